"""An inference server: ONNX Runtime behind HTTP, with histograms, bounded concurrency and a graceful end."""

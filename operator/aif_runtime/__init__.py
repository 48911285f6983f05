"""What runs in pods: for now a small inference server. The operator never imports it, nor it the operator."""

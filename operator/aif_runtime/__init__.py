"""What runs in pods: an inference server, and roles that learn. The operator never imports it, nor it the operator."""

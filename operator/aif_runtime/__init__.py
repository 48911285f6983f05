"""What runs in pods. The operator never imports it, nor it the operator."""

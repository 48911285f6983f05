"""Real nodes beside the embedded control plane: kubelet, containerd and kube-proxy in namespaces of their own."""

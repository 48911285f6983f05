"""A real Kubernetes control plane on one machine, without containers: `python -m cluster up|down|status|kubeconfig`."""

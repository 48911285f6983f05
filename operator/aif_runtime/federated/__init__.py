"""Federated learning: Flower's strategies over own streams, with a quorum, screening and checkpoints."""

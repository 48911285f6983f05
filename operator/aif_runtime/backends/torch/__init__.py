"""Learners in PyTorch: any module that `torch.fx` can trace can be cut; needs the extra `runtime`."""

import logging

logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)  # it misses a compiler for GPUs

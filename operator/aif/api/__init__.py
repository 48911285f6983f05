"""The kinds AIService, ComputeNode and TrainingJob as frozen models, and the CRDs generated from them."""

from __future__ import annotations

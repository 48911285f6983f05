"""The kinds AIService and ComputeNode as frozen models, and the CRDs generated from them."""

from __future__ import annotations

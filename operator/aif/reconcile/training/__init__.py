"""What is made of a TrainingJob, and what its status tells."""

from __future__ import annotations

"""`aif simulate`: what the operator would decide about objects in files, and a recording of it decided anew."""

from __future__ import annotations

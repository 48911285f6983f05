"""What holds for all tests: properties are judged by what they state, never by how long a busy machine takes."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("aif", deadline=None)
settings.load_profile("aif")

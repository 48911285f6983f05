"""The command line `aif`, which kubectl also finds as the plug-in `kubectl aif`."""

from __future__ import annotations

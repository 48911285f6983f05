"""Tests of `aif.handlers`: what wakes which object, and how a decision is carried out."""

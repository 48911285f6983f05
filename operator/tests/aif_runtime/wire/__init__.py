"""Tests of how the roles talk."""

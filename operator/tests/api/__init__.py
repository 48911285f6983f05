"""Tests of the kinds and of what is generated from them."""

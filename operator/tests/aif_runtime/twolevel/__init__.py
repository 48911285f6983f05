"""Tests of split and two-level learning."""

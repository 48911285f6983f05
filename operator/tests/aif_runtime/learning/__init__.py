"""Tests of learners, data and models."""

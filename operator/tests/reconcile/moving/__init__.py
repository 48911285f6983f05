"""Tests of moving while serving."""

"""Tests of `aif.reconcile`: tables from a snapshot of the world to a decision."""

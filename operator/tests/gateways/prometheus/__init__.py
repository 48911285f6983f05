"""Tests of the gateway to Prometheus."""

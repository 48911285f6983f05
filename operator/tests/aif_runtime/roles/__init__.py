"""Tests of the roles as they are started."""

"""Learners, data sets and what is done with a model between two messages; nothing here knows a network."""

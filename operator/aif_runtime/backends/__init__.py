"""Learners besides the one of NumPy, and models of one's own; what needs a library of its own imports it when asked."""

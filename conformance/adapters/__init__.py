"""Adapters: the reference's own, and those of the libraries that people use today (in `peers`)."""

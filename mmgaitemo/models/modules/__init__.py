"""Shared parts of the algorithms."""

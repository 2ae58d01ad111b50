"""Heads on top of a feature vector."""

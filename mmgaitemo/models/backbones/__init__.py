"""Backbones: from skeleton sequences to feature vectors."""

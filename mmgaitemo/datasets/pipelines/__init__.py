"""Deterministic transforms of one sequence, run once and cached."""

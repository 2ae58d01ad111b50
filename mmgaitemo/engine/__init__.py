"""Hooks and loops: what happens around an optimiser step."""

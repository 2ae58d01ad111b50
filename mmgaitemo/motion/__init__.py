"""Numerical primitives on positions (T, V, 3): gaps, rates, axes, windows and gait cycles. No configs, no registry."""

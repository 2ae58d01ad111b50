"""Algorithms: how backbones, heads, losses and the queue learn together."""

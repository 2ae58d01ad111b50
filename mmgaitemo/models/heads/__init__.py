"""Heads on top of a feature vector."""

from mmgaitemo.models.heads.heads import LinearHead, ProjectionHead

__all__ = ["LinearHead", "ProjectionHead"]

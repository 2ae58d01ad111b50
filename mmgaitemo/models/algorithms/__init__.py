"""Algorithms: how backbones, heads, losses and the queue learn together."""

from mmgaitemo.models.algorithms.gait_classifier import GaitClassifier
from mmgaitemo.models.algorithms.ssal import SSAL

__all__ = ["SSAL", "GaitClassifier"]

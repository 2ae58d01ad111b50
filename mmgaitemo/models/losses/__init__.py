"""Losses of the contrast: over its logits, and with kinematics for teachers."""

from mmgaitemo.models.losses.contrastive import DistributionalDivergenceLoss, InfoNCELoss
from mmgaitemo.models.losses.kinematic import KinematicSoftTargets, KinematicTargetLoss

__all__ = ["DistributionalDivergenceLoss", "InfoNCELoss", "KinematicSoftTargets", "KinematicTargetLoss"]

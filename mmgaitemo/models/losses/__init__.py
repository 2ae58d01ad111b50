"""Losses over the logits of the contrast."""

from mmgaitemo.models.losses.contrastive import DistributionalDivergenceLoss, InfoNCELoss

__all__ = ["DistributionalDivergenceLoss", "InfoNCELoss"]

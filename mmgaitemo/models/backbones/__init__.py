"""Backbones: from skeleton sequences to feature vectors."""

from mmgaitemo.models.backbones.affnet import AFFNet
from mmgaitemo.models.backbones.base import SkeletonBackbone
from mmgaitemo.models.backbones.cffn import CFFN
from mmgaitemo.models.backbones.frequency import AdaptiveFrequencyFilter
from mmgaitemo.models.backbones.graph import spatial_partition
from mmgaitemo.models.backbones.statistics import JointStatistics
from mmgaitemo.models.backbones.stgcn import STGCN

__all__ = [
    "CFFN",
    "STGCN",
    "AFFNet",
    "AdaptiveFrequencyFilter",
    "JointStatistics",
    "SkeletonBackbone",
    "spatial_partition",
]

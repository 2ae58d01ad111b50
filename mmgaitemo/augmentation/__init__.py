"""Views: batched tensor transforms that run on the device, each sample with its own draw."""

from mmgaitemo.augmentation.base import ViewTransform
from mmgaitemo.augmentation.spatial import AxisMask, GaussianNoise, MirrorFlip, RandomRotate, RandomYaw, Shear
from mmgaitemo.augmentation.strong import SSA, RandomSpatiotemporalMask, UpperBodyJitter
from mmgaitemo.augmentation.temporal import GaussianBlur, RandomWindow, TemporalCrop, TimeFlip
from mmgaitemo.augmentation.views import ContrastiveViews, SingleView, chain

__all__ = [
    "SSA",
    "AxisMask",
    "ContrastiveViews",
    "GaussianBlur",
    "GaussianNoise",
    "MirrorFlip",
    "RandomRotate",
    "RandomSpatiotemporalMask",
    "RandomWindow",
    "RandomYaw",
    "Shear",
    "SingleView",
    "TemporalCrop",
    "TimeFlip",
    "UpperBodyJitter",
    "ViewTransform",
    "chain",
]

"""Datasets: sequences prepared once and cached; see ``SkeletonDataset``."""

from mmgaitemo.datasets.base import SkeletonDataset, build_pipeline
from mmgaitemo.datasets.gait_dataset import GaitDataset
from mmgaitemo.datasets.synthetic_gait import SyntheticGait

__all__ = ["GaitDataset", "SkeletonDataset", "SyntheticGait", "build_pipeline"]

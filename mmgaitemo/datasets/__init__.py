"""Datasets: sequences prepared once and read batch by batch; see ``SkeletonDataset``."""

from mmgaitemo.datasets.base import SkeletonDataset, build_pipeline
from mmgaitemo.datasets.batches import gait_collate
from mmgaitemo.datasets.gait_dataset import GaitDataset
from mmgaitemo.datasets.synthetic_gait import SyntheticGait

__all__ = ["GaitDataset", "SkeletonDataset", "SyntheticGait", "build_pipeline", "gait_collate"]

"""The hand-made baseline: the kinematics of a data set as its feature vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmgaitemo.datasets import gait_collate
from mmgaitemo.errors import ConfigError


def kinematic_features(dataset: Dataset, batch_size: int = 1024) -> tuple[Tensor, Tensor, list[str]]:
    """Features (B, D) float32, labels (B,) and ids of a data set, as ``extract_features`` gives an encoder's.

    Raises:
        ConfigError: The data set's pipeline does not compute kinematics.
    """
    features, labels, ids = [], [], []
    for batch in DataLoader(dataset, batch_size=batch_size, collate_fn=gait_collate):
        if "kinematics" not in batch:
            raise ConfigError(
                "dataset.pipeline",
                "the walks come without kinematics",
                found=sorted(batch),
                remedy="add kinematics=dict(type='Kinematics', rate=30) to the pipeline, first in its order",
            )
        features.append(batch["kinematics"])
        labels.append(batch["label"])
        ids.extend(batch["id"])
    return torch.cat(features), torch.cat(labels), ids

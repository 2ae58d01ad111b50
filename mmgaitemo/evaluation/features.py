"""Feature vectors of whole data sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmgaitemo.datasets import gait_collate


def batches(model: BaseModel, dataset: Dataset, batch_size: int = 256) -> Iterator[dict[str, Any]]:
    """The data set in order, as the model's preprocessor hands it to the network, without random views."""
    for batch in DataLoader(dataset, batch_size=batch_size, collate_fn=gait_collate):
        yield model.data_preprocessor(batch, False)


@torch.no_grad()
def extract_features(model: BaseModel, dataset: Dataset, frames: int | None = None) -> tuple[Tensor, Tensor, list[str]]:
    """Features (B, D), labels (B,) and ids of a data set, on the CPU; the model is left in eval mode.

    Args:
        model: The model.
        dataset: The data set.
        frames: How many frames of each input the model sees, from the first; None: all.
    """
    model.eval()
    features, labels, ids = [], [], []
    for batch in batches(model, dataset):
        features.append(model.extract_feat(batch["inputs"][:, :, :frames]).float().cpu())
        labels.append(batch["labels"].cpu())
        ids.extend(batch["ids"])
    return torch.cat(features), torch.cat(labels), ids


@torch.no_grad()
def reestimate_batchnorm(model: BaseModel, dataset: Dataset) -> None:
    """Set the BatchNorm statistics of ``model.backbone`` to the plain average over a data set.

    An untrained encoder starts with mean 0 and variance 1, which is no fair thing to compare a trained one with.
    """
    norms = [module for module in model.backbone.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # None: cumulative average
    model.backbone.train()
    for batch in batches(model, dataset):
        model.backbone(batch["inputs"])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum

"""Feature vectors of whole data sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmgaitemo.datasets import gait_collate
from mmgaitemo.samples import sample_groups, sample_walks


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


def fit_whitening(model: BaseModel, dataset: Dataset, frames: int | None = None) -> None:
    """Fit the whitening of ``model.backbone`` to a data set.

    Args:
        model: The model; its backbone has a ``NuisanceWhitening``, whatever it was fitted to before.
        dataset: The training walks.
        frames: How many frames of each input the model sees, from the first; None: all.

    Raises:
        ConfigError: The walks do not tell persons or sensors apart, as the whitening's settings ask.
    """
    whitening = model.backbone.whitening
    whitening.reset()
    features, _, _ = extract_features(model, dataset, frames)
    whitening.fit(features, sample_groups(dataset), sample_walks(dataset))


def prepare_untrained(model: BaseModel, dataset: Dataset) -> None:
    """Fit what of ``model.backbone`` needs no gradient: BatchNorm statistics, and its whitening where it has one.

    So an encoder that is untrained on purpose differs from a trained one in the weights alone.
    """
    reestimate_batchnorm(model, dataset)
    if getattr(model.backbone, "whitening", None) is not None:
        fit_whitening(model, dataset)


@torch.no_grad()
def reestimate_batchnorm(model: BaseModel, dataset: Dataset) -> None:
    """Set the BatchNorm statistics of ``model.backbone`` to the plain average over a data set."""
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

"""The k-nearest-neighbour probe: what a feature space knows, with nothing trained on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor
from torch.utils.data import Dataset

from mmgaitemo.errors import ConfigError
from mmgaitemo.evaluation.features import extract_features

LEAST_TEMPERATURE = 3e-39  # a similarity of 1 divided by less is infinite in single precision, and its vote is NaN


def check_temperature(key: str, temperature: float) -> None:
    """Refuse a temperature that similarities cannot be divided by.

    Args:
        key: Where it was set.
        temperature: Of the votes' weights.

    Raises:
        ConfigError: It is below ``LEAST_TEMPERATURE``, or NaN.
    """
    if not temperature >= LEAST_TEMPERATURE:
        raise ConfigError(
            key, f"must be at least {LEAST_TEMPERATURE:g}", found=repr(temperature), remedy="0.1 is usual"
        )


def knn_probe(
    model: BaseModel, bank: Dataset, dataset: Dataset, num_classes: int, k: int = 20, temperature: float = 0.1
) -> tuple[Tensor, list[str], Tensor]:
    """Labels (N,), ids and class scores (N, num_classes) of a data set's walks, whose neighbours are those of the bank.

    The model is left in eval mode.
    """
    known, known_labels, _ = extract_features(model, bank)
    features, labels, ids = extract_features(model, dataset)
    return labels, ids, knn_scores(known, known_labels, features, num_classes, k, temperature)


def knn_scores(
    bank: Tensor, bank_labels: Tensor, queries: Tensor, num_classes: int, k: int = 20, temperature: float = 0.1
) -> Tensor:
    """Class scores (N, num_classes), each row summing to 1, by a weighted vote of the k nearest walks.

    Cosine similarity of features standardised on the bank, votes weighted by exp(similarity / temperature)
    (Wu et al., CVPR 2018). Standardising makes the probe blind to the scale and offset of single features.

    Args:
        bank: (B, D) features of the labelled training walks.
        bank_labels: (B,) their classes; negative means unlabelled, such walks do not vote.
        queries: (N, D).
        num_classes: Classes.
        k: Voters; at most the number of labelled walks take part.
        temperature: Of the weights, at least ``LEAST_TEMPERATURE``.

    Raises:
        ConfigError: No walk of the bank is labelled, or ``temperature`` is too small to divide by.
    """
    check_temperature("kNN probe, temperature", temperature)
    labelled = bank_labels >= 0
    if not labelled.any():
        raise ConfigError(
            "bank", "the kNN probe needs labelled walks", found="none", remedy="give the bank's data set labels"
        )
    bank, bank_labels = bank[labelled].float(), bank_labels[labelled]
    mean, deviation = bank.mean(0), bank.std(0, unbiased=False).clamp(min=1e-6)
    bank, queries = (F.normalize((features.float() - mean) / deviation, dim=1) for features in (bank, queries))
    similarity, nearest = (queries @ bank.T).topk(min(k, len(bank)), dim=1)
    votes = (similarity / temperature).softmax(1)
    return torch.zeros(len(queries), num_classes).scatter_add_(1, bank_labels[nearest], votes)

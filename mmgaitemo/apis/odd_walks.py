"""Walks that are none, made of held-out ones, to see whether a model abstains on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mmgaitemo.datasets import SkeletonDataset
from mmgaitemo.errors import DataError

Spoil = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def time_shuffled(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, V, 3): the same poses in random order."""
    return rng.permutation(positions)


def noise_skeleton(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, V, 3): every joint anywhere in each frame, normally distributed over the place and extent of the walk."""
    return rng.normal(positions.mean((0, 1)), positions.std((0, 1)), positions.shape)


ODD: dict[str, Spoil] = {"time_shuffled": time_shuffled, "noise": noise_skeleton}


def odd_inputs(dataset: SkeletonDataset, spoil: Spoil, seed: int = 0) -> tuple[Tensor, int]:
    """The walks of a data set, spoilt before its pipeline.

    Returns:
        (K, 3, T, V) inputs of those that the pipeline accepts (empty for none), and how many it refuses.
    """
    rng = np.random.default_rng(seed)
    known = {record["id"]: record for record in dataset.load_data_list()}
    records = [known[name] for name in dataset.ids]
    inputs, refused = [], 0
    for record, positions in zip(records, dataset.load_positions(records), strict=True):
        spoilt = spoil(np.asarray(positions, dtype=np.float64), rng)
        try:
            inputs.append(dataset.pipeline({**record, "positions": spoilt, "skeleton": dataset.skeleton})["inputs"])
        except DataError:
            refused += 1
    return torch.stack(inputs) if inputs else torch.empty(0), refused

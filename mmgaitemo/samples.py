"""What is asked of every data set, plain or wrapped: who its walks are and how they are labelled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def sample_ids(dataset: Any) -> list[str]:
    """Id of each walk, in order, without reading the walks where the data set (MMEngine's kind) allows it."""
    return [info["id"] for info in _infos(dataset)]


def sample_labels(dataset: Any) -> Tensor:
    """(N,) int64: class id of each walk, in order; -1 = unlabelled."""
    return torch.tensor([int(info["label"]) for info in _infos(dataset)], dtype=torch.int64)


def sample_groups(dataset: Any) -> list[str]:
    """Person of each walk, in order."""
    return [info["group"] for info in _infos(dataset)]


def sample_walks(dataset: Any) -> list[str]:
    """Walk that each recording shows, in order; several sensors may have recorded it."""
    return [info["walk"] for info in _infos(dataset)]


def _infos(dataset: Any) -> list[dict[str, Any]]:
    describe = getattr(dataset, "get_data_info", dataset.__getitem__)
    return [describe(index) for index in range(len(dataset))]


def fingerprint(ids: Sequence[str]) -> Tensor:
    """(N,) int64, non-negative: a stable number for each sample id, the same in every process and run."""
    return torch.tensor([_number(name) for name in ids], dtype=torch.int64)


@lru_cache(maxsize=2**16)  # every step asks for those of its batch
def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1

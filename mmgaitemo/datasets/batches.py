"""Batches that are read as one, and how a loader collates them."""

from __future__ import annotations

from typing import Any

from torch.utils.data import default_collate

from mmgaitemo.registry import FUNCTIONS


class Batch:
    """Samples that were read together; whoever collates them in another way may count, index and iterate them.

    Args:
        whole: What PyTorch's ``default_collate`` would make of them: ``inputs`` (B, 3, T, V), ``label`` (B,), ``id``.
    """

    def __init__(self, whole: dict[str, Any]) -> None:
        self.whole = whole

    def __len__(self) -> int:
        return len(self.whole["id"])

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {key: values[index] for key, values in self.whole.items()}


@FUNCTIONS.register_module()
def gait_collate(samples: Batch | list[dict[str, Any]]) -> dict[str, Any]:
    """A batch as it was read; where a wrapper gives samples one by one, collated by PyTorch's ``default_collate``."""
    return samples.whole if isinstance(samples, Batch) else default_collate(samples)

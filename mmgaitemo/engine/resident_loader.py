"""The whole training set on the device: a batch is then an index into a tensor there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.registry import HOOKS

_AT_ONCE = 1024  # walks read together while the set is copied


class ResidentLoader:
    """The batches of a loader, in its order, from a copy of its data set on a device.

    Args:
        loader: What to copy. Its sampler and batch sampler are used on; worker processes are not.
        device: Where the copy lies.
    """

    def __init__(self, loader: DataLoader, device: torch.device) -> None:
        self.dataset = loader.dataset
        self.sampler: Any = loader.sampler
        self.batch_sampler: Any = loader.batch_sampler
        parts = list(DataLoader(loader.dataset, batch_size=_AT_ONCE, collate_fn=loader.collate_fn))
        kinds = [kind for kind in parts[0] if kind != "id"]
        self._tensors = {kind: torch.cat([part[kind].to(device) for part in parts]) for kind in kinds}
        self._device = device
        self._ids = [name for part in parts for name in part["id"]]

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """``inputs`` (B, 3, T, V), ``label`` (B,) and maybe ``kinematics`` (B, D) on the device, ``id`` B names."""
        batches = list(self.batch_sampler)
        order = torch.tensor([row for batch in batches for row in batch]).to(self._device, non_blocking=True)
        for batch, rows in zip(batches, order.split([len(batch) for batch in batches]), strict=True):
            chosen = {kind: values.index_select(0, rows) for kind, values in self._tensors.items()}
            yield chosen | {"id": [self._ids[row] for row in batch]}


@HOOKS.register_module()
class ResidentDataHook(Hook):
    """Puts the training set on the model's device before training, where it fits beside the model.

    A batch of 128 walks of 48 frames then needs no read and no copy of 1.2 MB; the epoch's order is copied once. The
    same batches come in the same order as without. E-Gait (own part) takes some 20 MB.
    """

    priority = "VERY_LOW"

    def before_train(self, runner: Runner) -> None:
        """Exchange the loader."""
        device = next(unwrap(runner.model).parameters()).device
        runner.train_loop.dataloader = ResidentLoader(runner.train_dataloader, device)

"""The memory bank: keys of past steps, the negatives of the contrast."""

from __future__ import annotations

import torch
from mmengine.dist import all_gather
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.registry import MODELS


@MODELS.register_module()
class KeyQueue(nn.Module):
    """A ring of K unit-length keys with the sample each came from (MoCo, He et al. 2020).

    ``stage`` is called in the loss and changes nothing that the loss reads; ``commit``, called by ``KeyQueueHook``
    once per optimiser step, gathers the staged keys of all processes and writes them. The whole state lies in buffers:
    it is in the checkpoint, moves with the model, and is equal on all ranks. Any K and any batch size will do.

    Args:
        size: K.
        dim: D.
        mask_self: Leave out the stored keys of the very sample that asks. With a small data set the queue holds
            several stale copies of each sample, which are no negatives (as-published recipes keep them: False).
        random_start: Begin with K random keys, negatives of every sample until they are written over, as the public
            codes do; otherwise the queue begins empty, and empty slots are left out.
    """

    def __init__(self, size: int, dim: int = 128, mask_self: bool = True, random_start: bool = False) -> None:
        super().__init__()
        if size < 1:
            raise ConfigError("queue.size", "must be at least 1", found=size, remedy="512 suits a few hundred walks")
        self.mask_self = mask_self
        self.keys: Tensor
        self.samples: Tensor
        self.pointer: Tensor
        keys = nn.functional.normalize(torch.randn(size, dim), dim=1) if random_start else torch.zeros(size, dim)
        self.register_buffer("keys", keys)
        # -1: the slot is empty. 0: its key is of no sample that there is.
        self.register_buffer("samples", torch.full((size,), 0 if random_start else -1, dtype=torch.int64))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self._staged: list[tuple[Tensor, Tensor]] = []
        self._staged_step = 0

    @property
    def filled(self) -> int:
        """How many slots hold a key."""
        return int((self.samples >= 0).sum())

    def negatives(self, samples: Tensor) -> Tensor:
        """(N, K) bool: the slots that are negatives for each of the (N,) samples; empty slots never are."""
        valid = (self.samples >= 0).expand(len(samples), -1)
        return valid & (self.samples != samples[:, None]) if self.mask_self else valid

    def stage(self, keys: Tensor, samples: Tensor, step: int) -> None:
        """Put keys aside until the optimiser has stepped.

        Args:
            keys: (N, D) of unit length.
            samples: (N,) fingerprints of their samples.
            step: A number that changes with every optimiser step.

        Raises:
            TrainingError: The optimiser has stepped, but nothing has committed the keys of the step before.
        """
        if self._staged and step != self._staged_step:
            raise TrainingError(
                "default_hooks",
                "the optimiser steps, but nothing maintains the key queue",
                found=f"{sum(len(k) for k, _ in self._staged)} keys of an earlier step that were never committed",
                remedy="add dict(type='KeyQueueHook') and dict(type='MomentumUpdateHook') to default_hooks",
            )
        self._staged_step = step
        self._staged.append((keys.detach(), samples))

    @torch.no_grad()
    def commit(self) -> None:
        """Write the staged keys of all processes, the oldest going first; of more than K the newest K stay."""
        if not self._staged:
            return
        keys, samples = (torch.cat(parts) for parts in zip(*self._staged, strict=True))
        self._staged = []
        # Rank r holds samples r, r + R, r + 2R, ... of the epoch's order: interleaved, R ranks fill the queue exactly
        # as one process would.
        keys = torch.stack(all_gather(keys), dim=1).flatten(0, 1)
        samples = torch.stack(all_gather(samples), dim=1).flatten()
        size = len(self.keys)
        slots = (self.pointer + torch.arange(len(keys), device=keys.device)) % size
        newest = slice(max(len(keys) - size, 0), None)
        self.keys[slots[newest]] = keys[newest].to(self.keys.dtype)
        self.samples[slots[newest]] = samples[newest]
        self.pointer.copy_((self.pointer + len(keys)) % size)

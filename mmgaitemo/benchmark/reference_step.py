"""One step of a contrast with three views, as AimCLR's public code takes it.

Views come from worker processes, sample by sample; each query view passes the encoder on its own; the key pass draws
dropout like the others; the key encoder follows in a Python loop over its parameters; the queue is cloned at every
use; the divergence takes the logarithm of a softmax; SGD; the loss is read back at every step for the log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy

import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor, nn

from mmgaitemo.benchmark.reference_layers import reference_encoder
from mmgaitemo.benchmark.reference_views import ReferenceViews, SSALViews, received, reference_loader
from mmgaitemo.benchmark.stopwatch import Stopwatch
from mmgaitemo.registry import HEADS
from mmgaitemo.skeleton import get_skeleton

_NO_END = 10**6  # batches: the loader never runs dry, so that starting its workers is not part of a step
MOMENTUM, THRESHOLD, STABILISER = 0.999, 0.7, 1e-4


class ReferenceStep:
    """Call it to take a step.

    Args:
        cfg: Config of an SSAL model; its backbone, head, queue size, temperature, skeleton and whether it has a drop
            are used. The views are those of SSAL, as the configs have them.
        walks: (N, 3, T, V) float32, what the loader draws from.
        batch: Walks in a step.
        workers: Processes that draw the views.
        device: Where the model lies.
    """

    def __init__(self, cfg: Config, walks: Tensor, batch: int, workers: int, device: str) -> None:
        self.device = device
        self.backbone = reference_encoder(cfg.model.backbone).to(device)
        self.head: nn.Module = HEADS.build({"in_channels": self.backbone.out_channels, **cfg.model.head}).to(device)
        self.key_backbone = deepcopy(self.backbone).requires_grad_(False)
        self.key_head = deepcopy(self.head).requires_grad_(False)
        queue = cfg.model.queue
        self.queue = F.normalize(torch.randn(queue.dim, queue.size, device=device), dim=0)
        self.pointer = 0
        self.temperature = cfg.model.temperature
        self.drops = cfg.model.get("drop") is not None
        parameters = [*self.backbone.parameters(), *self.head.parameters()]
        self.optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-4)
        views = SSALViews(get_skeleton(cfg.model.data_preprocessor.skeleton))
        loader = reference_loader(ReferenceViews(walks.numpy(), views), batch, _NO_END, workers, device)
        self._batches = iter(loader)
        self._phase: Callable[[str], AbstractContextManager] = lambda name: nullcontext()

    def attach(self, stopwatch: Stopwatch) -> None:
        """Say from now on where the time goes."""
        self._phase = stopwatch.phase

    def __call__(self) -> float:
        """One step; the loss."""
        with self._phase("data"):
            views, _ = next(self._batches)
            key, query, strong = received(views, self.device)
        with self._phase("query"):
            queries = [self.head(self.backbone(query)), *self._strong(strong)]
            queries = [F.normalize(vector, dim=1) for vector in queries]
        with self._phase("hooks"):
            self._follow()
        with self._phase("key"), torch.no_grad():
            keys = F.normalize(self.key_head(self.key_backbone(key)), dim=1)
        with self._phase("loss"):
            loss = self._loss(queries, keys)
        with self._phase("hooks"):
            self._enqueue(keys)
        with self._phase("optimiser"):
            self.optimiser.zero_grad()
        with self._phase("backward"):
            loss.backward()
        with self._phase("optimiser"):
            self.optimiser.step()
            return loss.item()

    def _strong(self, strong: Tensor) -> list[Tensor]:
        maps = self.backbone.feature_maps(strong)
        if not self.drops:
            return [self.head(self.backbone.embed(maps))]
        dropped = {name: _simam_drop(value) if name == "graph" else value for name, value in maps.items()}
        return [self.head(self.backbone.embed(maps)), self.head(self.backbone.embed(dropped))]

    def _loss(self, queries: list[Tensor], keys: Tensor) -> Tensor:
        logits = []
        for query in queries:
            own = torch.einsum("nc,nc->n", query, keys).unsqueeze(-1)
            stored = torch.einsum("nc,ck->nk", query, self.queue.clone().detach())
            logits.append(torch.cat([own, stored], dim=1) / self.temperature)
        target = torch.softmax(logits[0].clone().detach(), dim=1)
        labels = torch.zeros(len(keys), dtype=torch.long, device=self.device)
        info = F.cross_entropy(logits[0], labels)
        terms = [-(target * torch.log(torch.softmax(strong, dim=1))).sum(1).mean() for strong in logits[1:]]
        return info + sum(terms, torch.zeros_like(info)) / len(terms)

    @torch.no_grad()
    def _follow(self) -> None:
        for query, key in ((self.backbone, self.key_backbone), (self.head, self.key_head)):
            for source, target in zip(query.parameters(), key.parameters(), strict=True):
                target.data = target.data * MOMENTUM + source.data * (1 - MOMENTUM)

    @torch.no_grad()
    def _enqueue(self, keys: Tensor) -> None:
        """Write the keys; the public code needs a queue of whole batches, this one goes round."""
        size = self.queue.shape[1]
        slots = (self.pointer + torch.arange(len(keys), device=self.device)) % size
        self.queue[:, slots] = keys.T
        self.pointer = (self.pointer + len(keys)) % size


def _simam_drop(x: Tensor) -> Tensor:
    """Zero the joints, then the elements, of (N, C, T', V) that SimAM finds important; scale up what is kept."""
    n, c, t, v = x.shape
    squared = (x - x.mean(dim=[2, 3], keepdim=True)).pow(2)
    spread = squared.sum(dim=[2, 3], keepdim=True) / (t * v - 1)
    importance = torch.sigmoid(squared / (4 * (spread + STABILISER)) + 0.5).detach()
    joints = importance.mean(dim=[1, 2])
    keep = torch.where(joints >= THRESHOLD, torch.zeros_like(joints), torch.ones_like(joints))
    keep = keep.view(n, 1, 1, v).repeat(1, c, t, 1)
    x = x * keep * keep.numel() / keep.sum().clamp(min=1)
    keep = torch.where(importance >= THRESHOLD, torch.zeros_like(importance), torch.ones_like(importance))
    return x * keep * keep.numel() / keep.sum().clamp(min=1)

"""One step of the project's own pre-training, the parts that a run puts together: loader, model, optimiser, hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmgaitemo.benchmark.stopwatch import Stopwatch
from mmgaitemo.config import load_config
from mmgaitemo.datasets.base import SkeletonDataset
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def read_config(config: str | None, default: str) -> Config:
    """The config, or ``default`` of the project's own where none is named.

    Args:
        config: Path, or None.
        default: Name inside ``configs/``.

    Raises:
        ConfigError: There is no such file, or it describes no contrast with a strong view.
    """
    cfg = load_config(config or CONFIGS / default)
    init_default_scope("mmgaitemo")
    views = cfg.get("model", {}).get("data_preprocessor", {}).get("views")
    if not views or not views.get("strong"):
        raise ConfigError(
            str(cfg.filename),
            "the benchmark takes the encoder and the views from a pre-training config with a strong view",
            remedy="use for example configs/ssal_egait.py",
        )
    return cfg


def shown(cfg: Config) -> str:
    """The config's path as a reader knows it: ``configs/...`` where it is one of the project's."""
    path = Path(cfg.filename).resolve()
    return str(path.relative_to(CONFIGS.parent)) if path.is_relative_to(CONFIGS) else str(cfg.filename)


class OurStep:
    """Call it to take a step.

    Args:
        cfg: Config of an SSAL model.
        dataset: What the config's loader draws from; at least a batch.
        batch: Walks in a step.
        device: Where the model lies.
    """

    def __init__(self, cfg: Config, dataset: SkeletonDataset, batch: int, device: str) -> None:
        self.model: Any = MODELS.build(cfg.model)
        self.model.to(device).train()
        self._fill_queue()
        self.optimiser = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self._batches = endless(our_loader(cfg, dataset, batch))
        self._step = 0

    def _fill_queue(self) -> None:
        """Foreign keys in every slot, as in the middle of a run: an empty queue gives no gradient."""
        queue = self.model.queue
        queue.keys.copy_(F.normalize(torch.randn_like(queue.keys), dim=1))
        queue.samples.zero_()

    def attach(self, stopwatch: Stopwatch) -> None:
        """Say from now on where the time goes."""
        model = self.model

        def pass_of(backbone: Any, *_: Any) -> str:
            return "key" if backbone is model.key_backbone else "query"

        watched: list[tuple[Any, str, str | Callable[..., str]]] = [
            (model.data_preprocessor, "forward", "views"),
            (model, "_encode", pass_of),
            (model, "forward", "loss"),
            (model, "parse_losses", "loss"),
            (self.optimiser, "update_params", "optimiser"),
            (self.optimiser, "backward", "backward"),
            (model, "momentum_update", "hooks"),
            (model.queue, "commit", "hooks"),
        ]
        for owner, method, phase in watched:
            stopwatch.watch(owner, method, phase)
        self._batches = _watched(self._batches, stopwatch)

    def __call__(self) -> dict[str, Any]:
        """One step; the log of the losses, on the device."""
        self._step += 1
        batch = next(self._batches)
        self.model.data_preprocessor.seed(self._step)
        log = self.model.train_step(batch, self.optimiser)
        self.model.momentum_update(0.99)
        self.model.queue.commit()
        return log


def our_loader(cfg: Config, dataset: SkeletonDataset, batch: int) -> DataLoader:
    """The training loader that the config describes, over another data set."""
    return Runner.build_dataloader({**cfg.train_dataloader, "dataset": dataset, "batch_size": batch}, seed=0)


def endless(loader: DataLoader) -> Iterator[Any]:
    """Its batches, epoch after epoch."""
    while True:
        yield from loader


def _watched(batches: Iterator[Any], stopwatch: Stopwatch) -> Iterator[Any]:
    while True:
        with stopwatch.phase("data"):
            batch = next(batches)
        yield batch

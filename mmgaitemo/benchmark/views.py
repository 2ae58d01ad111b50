"""Part ``views``: three views of a batch, drawn at once on the device or sample by sample in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from mmgaitemo.benchmark import limits, machine
from mmgaitemo.benchmark.layouts import random_walks
from mmgaitemo.benchmark.our_step import OurStep, read_config, shown
from mmgaitemo.benchmark.reference_views import AimCLRViews, ReferenceViews, SSALViews, received
from mmgaitemo.benchmark.timing import interleaved
from mmgaitemo.registry import MODELS
from mmgaitemo.skeleton import get_skeleton

VIEWS = 3


def run(device: str, threads: int, rounds: int, config: str | None = None, batch: int = 128) -> dict[str, Any]:
    """Time three views of a batch: ours, the same ones in NumPy in one process, AimCLR's own, and a step beside them.

    Args:
        device: "cpu" or "cuda"; the NumPy forms run on the processor, without the copy to the device.
        threads: Threads of PyTorch.
        rounds: Timed rounds.
        config: Pre-training config; None is ``configs/ssal_egait_quarter.py``.
        batch: Walks.
    """
    cfg = read_config(config, "ssal_egait_quarter.py")
    skeleton = get_skeleton(cfg.model.data_preprocessor.skeleton)
    with machine.using_threads(threads):
        dataset = random_walks(cfg, batch)
        walks = dataset.inputs
        data = {"inputs": walks.to(device), "label": torch.zeros(batch, dtype=torch.int64), "id": dataset.ids}
        preprocessor = MODELS.build(cfg.model.data_preprocessor).to(device)
        preprocessor.seed(0)
        ssal, aimclr = (ReferenceViews(walks.numpy(), views(skeleton)) for views in (SSALViews, AimCLRViews))
        variants: dict[str, Callable[[], object]] = {
            "ours": lambda: preprocessor(data, True),
            "reference": lambda: _one_by_one(ssal),
            "reference_aimclr": lambda: _one_by_one(aimclr),
            "step": OurStep(cfg, dataset, batch, device),
        }
        timings = interleaved(variants, rounds, 1, device)
        ours = timings["ours"].median
        measured = limits.measure(device)
        moved = (VIEWS + 1) * walks.nbytes  # the walks are read once at least, the views written
        return {
            "part": "views",
            "machine": machine.describe(device),
            "settings": {
                "config": shown(cfg),
                "batch": batch,
                "frames": walks.shape[2],
                "joints": walks.shape[3],
                "rounds": rounds,
            },
            "limits": measured,
            "results": {name: timing.summary(batch) for name, timing in timings.items()},
            "speedup": timings["reference"].median / ours,
            "speedup_aimclr": timings["reference_aimclr"].median / ours,
            "share_of_step": ours / timings["step"].median,
            "share_of_limit": moved / ours / measured["bandwidth"],
        }


def _one_by_one(dataset: ReferenceViews) -> list[Tensor]:
    """The batches of views, (N, 3, T, V) each, collated as a worker does it."""
    views, _ = default_collate([dataset[index] for index in range(len(dataset))])
    return received(views, "cpu")

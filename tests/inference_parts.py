"""Models and recordings for the tests of inference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from puppet import puppet
from runs import ROOT, TINY_ENCODER
from torch import nn

from mmgaitemo.apis.novelty import Cloud, Novelty
from mmgaitemo.apis.published import FORMAT, FORMAT_VERSION, PublishedModel
from mmgaitemo.config import load_config
from mmgaitemo.datasets.synthetic_walks import MOODS
from mmgaitemo.models import GaitClassifier
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.skeleton import EGAIT16, Skeleton

CONFIG = ROOT / "configs/downstream/supervised_synthgait.py"


def walk(seconds: float = 6.0, rate: float = 30.0, skeleton: Skeleton = EGAIT16, seed: int = 0) -> np.ndarray:
    """(T, V, 3) metres of a puppet that walks away, a gait cycle in 1.1 s."""
    return puppet(skeleton, frames=round(seconds * rate), period=1.1 * rate, speed=1.2 / rate, seed=seed)


@cache
def small_model() -> GaitClassifier:
    """An untrained network whose BatchNorm knows what walks are like; without that all of them look alike to it."""
    cfg = load_config(CONFIG, TINY_ENCODER)
    torch.manual_seed(1)
    model = MODELS.build({**cfg.model, "encoder": None}).train()
    assert isinstance(model, GaitClassifier)
    dataset = DATASETS.build({**cfg.val_dataloader.dataset, "num_persons": 10, "takes": 1, "split": "all"})
    with torch.no_grad():
        for _ in range(40):
            model(dataset.inputs)
        model.head.linear.weight.mul_(2)
    return model.eval().requires_grad_(False)


def normal_pipeline() -> dict[str, Any]:
    """That of synthetic walkers."""
    return _plain(load_config(CONFIG).val_dataloader.dataset.pipeline)


def published(
    model: nn.Module | None = None, pipeline: Mapping[str, Any] | None = None, **known: Any
) -> PublishedModel:
    """A published model that was never in a file; it abstains from nothing.

    Args:
        model: In place of ``small_model()``.
        pipeline: In place of that of synthetic walkers.
        known: In place of entries of ``meta``.
    """
    model = small_model() if model is None else model.eval()
    width = getattr(model.backbone, "out_channels", 4)
    meta = {
        "name": "small",
        "version": "0",
        "skeleton": "egait16",
        "classes": list(MOODS),
        "rate": 30.0,
        "frames": 48,
        "licence": "CC0-1.0",
        "publishable": True,
        "demonstration": True,
        "note": "It knows nothing.",
        **known,
    }
    return PublishedModel(
        model=model,
        pipeline=normal_pipeline() if pipeline is None else dict(pipeline),
        meta=meta,
        calibration={"temperature": 1.5, "ece_before": 0.1, "ece_after": 0.1, "walks": 10},
        novelty=Novelty(*(Cloud(torch.zeros(1, size), torch.eye(size)) for size in (width, 3)), 1e9, 0.95),
        neighbours=None,
        path="small.pth",
    )


def write_model(path: Path) -> Path:
    """``published()`` as a file."""
    made = published()
    config = load_config(CONFIG, TINY_ENCODER)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "state_dict": made.model.state_dict(),
        "config": {"model": {**_plain(config.model), "encoder": None}, "pipeline": made.pipeline},
        "meta": made.meta,
        "calibration": made.calibration,
        "novelty": made.novelty.as_dict(),
        "neighbours": None,
    }
    torch.save(content, path)
    return path


def _plain(config: Any) -> Any:
    """Dicts and lists in place of MMEngine's own kinds."""
    return json.loads(json.dumps(config))

"""Tiny trained classifiers, and published files of them, for the tests."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from runs import ROOT, TINY_ENCODER, train

from mmgaitemo.apis.published import short_hash
from mmgaitemo.config import datasets_of, load_config

STATED = {"date": "2026-01-01", "name": "tiny"}


def tiny_classifier(config: str, work_dir: Path, **options: Any) -> Path:
    """Checkpoint of a downstream config, trained for one epoch with a tiny encoder on what data there are."""
    small = {
        **TINY_ENCODER,
        "train_cfg.max_epochs": 1,
        "train_cfg.val_interval": 1,
        "train_dataloader.batch_size": 8,
        "default_hooks.checkpoint.interval": 1,
        "default_hooks.report": None,
        "model.encoder": "untrained",
        "work_dir": str(work_dir),
        "experiment_name": f"tiny_{work_dir.name}",
    }
    cfg = load_config(ROOT / "configs/downstream" / config, {**small, **options})
    for dataset in datasets_of(cfg):
        if dataset.type == "SyntheticGait":
            dataset.update(num_persons=10, takes=1)
    train(cfg)
    return work_dir / "epoch_1.pth"


def rewritten(path: Path, folder: Path, **entries: Any) -> Path:
    """A published file with other entries, under the name that its bytes ask for."""
    content = torch.load(path, weights_only=True) | entries
    buffer = BytesIO()
    torch.save(content, buffer)
    changed = folder / f"changed-{short_hash(buffer.getvalue())}.pth"
    changed.write_bytes(buffer.getvalue())
    return changed

"""Small complete runs for the tests: a Runner on synthetic walkers."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.config import load_config
from mmgaitemo.registry import HOOKS

ROOT = Path(__file__).resolve().parents[1]
_NUMBERS = count()
TINY_ENCODER = {
    "model.backbone.graph.channels": (8, 8),
    "model.backbone.graph.strides": (2, 2),
    "model.backbone.image.stem": 8,
    "model.backbone.image.channels": (8,),
    "model.backbone.image.strides": (2, 2),
}


def tiny_config(work_dir: Path, **options: Any) -> Config:
    """configs/ssal_synthgait.py on ten persons with a tiny encoder; ``options`` are dotted overrides."""
    small = {
        **TINY_ENCODER,
        "train_cfg.max_epochs": 2,
        "model.queue.size": 37,
        "train_dataloader.batch_size": 8,
        "default_hooks.checkpoint.interval": 1,
        "default_hooks.checkpoint.max_keep_ckpts": 9,
        "work_dir": str(work_dir),
        # MMEngine names a run by the second it starts in; two runs of one name in a process share their logs.
        "experiment_name": f"run{next(_NUMBERS)}",
    }
    cfg = load_config(ROOT / "configs" / "ssal_synthgait.py", {**small, **options})
    for dataset in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset, cfg.val_cfg.bank):
        dataset.update(num_persons=10, takes=1)
    return cfg


@HOOKS.register_module(force=True)
class PowerCut(Hook):
    """Interrupts a run after its first epoch, once all other hooks have had it."""

    priority = "LOWEST"

    def after_train_epoch(self, runner: Runner) -> None:
        if runner.epoch == 0:
            raise KeyboardInterrupt


def train(cfg: Config) -> Any:
    """Run it and return the trained model."""
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner.model

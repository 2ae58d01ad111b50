"""What a run leaves behind for a person: a table, a loss curve, a picture of the embedding."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.evaluation import extract_features
from mmgaitemo.registry import HOOKS
from mmgaitemo.visualization import draw_curves, draw_embedding


def read_scalars(work_dir: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every logged quantity of a run, over all its interruptions: name to (steps, values), later entries winning."""
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for file in sorted(work_dir.glob("*/vis_data/scalars.json")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            for name, value in entry.items():
                if isinstance(value, (int, float)):
                    values[name][entry["step"]] = value
    return {
        name: (np.array(sorted(series)), np.array([series[step] for step in sorted(series)]))
        for name, series in values.items()
    }


@HOOKS.register_module()
class RunReportHook(Hook):
    """Draws ``curves.png`` and, for a pre-training run, ``embedding.png``, and logs the last metrics as a table."""

    priority = "LOWEST"

    @master_only
    def after_run(self, runner: Runner) -> None:
        """Write the report; only after training, a test leaves its own pictures."""
        if runner._train_loop is None or isinstance(runner._train_loop, dict):
            return
        work_dir = Path(runner.work_dir)
        scalars = read_scalars(work_dir)
        metrics = {
            name: float(values[-1]) for name, (_, values) in scalars.items() if "accuracy" in name or "f1" in name
        }
        if metrics:
            rows = [f"{name:<32}{value:>8.3f}" for name, value in sorted(metrics.items())]
            runner.logger.info("last metrics\n" + "\n".join(rows))
        draw_curves(work_dir / "curves.png", scalars)
        model = unwrap(runner.model)
        if hasattr(model, "queue") and runner.val_loop is not None:
            dataset = runner.val_loop.dataloader.dataset
            features, labels, _ = extract_features(model, dataset)
            draw_embedding(
                work_dir / "embedding.png",
                features.numpy(),
                labels.numpy(),
                list(dataset.metainfo["classes"]),
                title="held-out walks in the space of the trained encoder",
            )
        runner.logger.info(f"checkpoint, config, log, curves and pictures: {work_dir}")

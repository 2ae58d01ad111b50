"""What a run leaves behind for a person: the last metrics, the curves, a picture of the embedding."""

from __future__ import annotations

import json
import math
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

PROBE = "knn/accuracy"
REFERENCES = {"untrained_accuracy": "untrained", "majority_accuracy": "majority class"}
BOOKKEEPING = {"epoch", "iter", "step", "time", "data_time", "memory"}


def read_scalars(files: list[Path], steps_per_epoch: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every logged quantity in the log files of a run: name to (epochs, values), later files winning."""
    values: dict[str, dict[float, float]] = defaultdict(dict)
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # a killed process leaves half a line
                continue
            epoch = entry["step"] / steps_per_epoch if "lr" in entry else entry["step"]  # probes are logged by epoch
            for name in entry.keys() - BOOKKEEPING:
                if math.isfinite(entry[name]):
                    values[name][epoch] = entry[name]
    return {
        name: (np.array(sorted(series)), np.array([series[epoch] for epoch in sorted(series)]))
        for name, series in sorted(values.items())
    }


@HOOKS.register_module()
class RunReportHook(Hook):
    """Writes ``curves.png`` and, after pre-training, ``embedding.png``, and logs the last metrics."""

    priority = "LOWEST"

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Say who is trained on and who is held out."""
        val_loader = runner.val_loop.dataloader if runner.val_loop is not None else None
        loops = {"trained on": runner.train_dataloader, "held out": val_loader}
        for part, loader in loops.items():
            groups = getattr(loader.dataset, "groups", None) if loader is not None else None
            if groups is not None:
                fold = getattr(loader.dataset, "fold", None)
                runner.logger.info(f"fold {fold}: {len(groups)} walks of {len(set(groups))} persons are {part}")
                if (unused := getattr(loader.dataset, "unused_fold", None)) is not None and part == "held out":
                    runner.logger.info(f"fold {unused} is not looked at")

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Write the report."""
        work_dir = Path(runner.work_dir)
        # A resumed run goes on from the logs of its interruptions; a new one has nothing to do with what lies there.
        logs = sorted(work_dir.glob("*/vis_data/scalars.json"))
        logs = logs if runner._resume else [log for log in logs if log.parent.parent.name == runner.timestamp]
        curves = read_scalars(logs, runner.max_iters / runner.max_epochs)
        metrics = {name: values[-1] for name, (_, values) in curves.items() if "accuracy" in name or "f1" in name}
        if metrics:
            rows = (f"{name:<24}{value:>8.3f}" for name, value in metrics.items())
            runner.logger.info("the last metrics:\n" + "\n".join(rows))
        references = {REFERENCES[name]: float(metrics[name]) for name in REFERENCES if name in metrics}
        probes = {name for name in metrics if name not in (PROBE, "accuracy")}
        shown = {name: curve for name, curve in curves.items() if name not in probes}
        if shown:  # a run shorter than the logging interval has no curve
            draw_curves(
                work_dir / "curves.png",
                shown,
                xlabel="epoch",
                title=f"{work_dir.name}: losses, schedules and probes",
                smooth=[name for name in shown if "loss" in name or name == "top1"],
                references={PROBE: references} if PROBE in shown else None,
            )
        model = unwrap(runner.model)
        if hasattr(model, "queue") and runner.val_loop is not None:
            dataset = runner.val_loop.dataset
            features, labels, _ = extract_features(model, dataset)
            draw_embedding(
                work_dir / "embedding.png",
                features.numpy(),
                labels.numpy(),
                list(dataset.metainfo["classes"]),
                title="Held-out walks in the space of the trained encoder",
            )
        runner.logger.info(f"checkpoints, config, log, curves and pictures are in {work_dir}")

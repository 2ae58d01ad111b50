"""What a run leaves behind for a person: the last metrics, pictures, and a page with all of it."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.registry import HOOKS
from mmgaitemo.visualization.run_report import write_report
from mmgaitemo.visualization.run_report_sections import RunSections

SHARING = "This page holds walks of the data set: share it only as far as their licence allows."
BOOKKEEPING = {"epoch", "iter", "step", "time", "data_time", "memory"}


def read_scalars(files: list[Path], steps_per_epoch: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every logged quantity in the log files of a run: name to (epochs, values), later files winning."""
    values: dict[str, dict[float, float]] = defaultdict(dict)
    for file in files:
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # a killed process leaves half a line, a full disk anything
                continue
            if not isinstance(entry, dict) or "step" not in entry:
                continue
            epoch = entry["step"] / steps_per_epoch if "lr" in entry else entry["step"]  # probes are logged by epoch
            for name in entry.keys() - BOOKKEEPING:
                if isinstance(entry[name], (int, float)) and math.isfinite(entry[name]):
                    values[name][epoch] = entry[name]
    return {
        name: (np.array(sorted(series)), np.array([series[epoch] for epoch in sorted(series)]))
        for name, series in sorted(values.items())
    }


@HOOKS.register_module()
class RunReportHook(Hook):
    """Logs the last metrics and writes ``report.html``, with ``curves.png``, ``confusion.png`` and ``embedding.png``.

    What fails in drawing is logged as an error and costs no run: the weights are on the disk before.
    """

    priority = "LOWEST"

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Say who is trained on and who is held out."""
        self._begin, self._first = time.perf_counter(), runner.epoch
        val_loader = runner.val_loop.dataloader if runner.val_loop is not None else None
        loops = {"trained on": runner.train_dataloader, "held out": val_loader}
        for part, loader in loops.items():
            groups = getattr(loader.dataset, "groups", None) if loader is not None else None
            if groups is not None:
                fold = getattr(loader.dataset, "fold", None)
                walks = f"{len(groups)} walks of {len(set(groups))} persons or groups"
                runner.logger.info(f"fold {fold}: {walks} are {part}")
                if (unused := getattr(loader.dataset, "unused_fold", None)) is not None and part == "held out":
                    runner.logger.info(f"fold {unused} is not looked at")

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Write the report."""
        work_dir = Path(runner.work_dir)
        try:
            # A resumed run goes on from the logs of its interruptions; a new one has nothing to do with what is there.
            logs = sorted(work_dir.glob("*/vis_data/scalars.json"))
            logs = logs if runner._resume else [log for log in logs if log.parent.parent.name == runner.timestamp]
            curves = read_scalars(logs, runner.max_iters / runner.max_epochs)
            seconds = time.perf_counter() - self._begin
            sections = RunSections(runner, unwrap(runner.model), curves, seconds, self._first)
            if sections.metrics:
                rows = (f"{name:<24}{value:>8.3f}" for name, value in sections.metrics.items())
                runner.logger.info("the last metrics:\n" + "\n".join(rows))
            write_report(work_dir / "report.html", work_dir.name, sections.make(), [SHARING])
            runner.logger.info(f"checkpoints, config, log, pictures and report.html are in {work_dir}")
        except Exception as error:  # a full disk, at worst
            problem = f"the run is complete, but report.html could not be written: {error!r}"
            runner.logger.log(logging.ERROR, problem, exc_info=True)

"""What a study will cost, before it starts: a step of each method is timed."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.config import preflight, quiet
from mmgaitemo.study.job import method_config
from mmgaitemo.study.plan import Method, Split

STEPS = 4


class _Enough(Exception):  # noqa: N818 - it ends a trial, nothing is wrong
    """Ends the trial."""


class _Stopwatch(Hook):
    """Notes when iterations begin, and ends the run after a few."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.ends: list[float] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())
        if len(self.ends) > STEPS:
            raise _Enough


def seconds_of_encoder(method: Method, split: Split) -> float:
    """Seconds to pre-train one encoder of a method, from a few steps of it on the threads at hand.

    Raises:
        GaitError: The method's config cannot work.
    """
    cfg = quiet(method_config(method, split, seed=0))
    cfg.update(log_level="ERROR", experiment_name=f"cost of {method.name}")
    stopwatch = _Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        preflight(cfg)
        runner = Runner.from_cfg(cfg)
        runner.register_hook(stopwatch)
        with suppress(_Enough):
            runner.train()
        steps = len(runner.train_dataloader) * cfg.train_cfg.max_epochs
    ends = stopwatch.ends
    each = sorted(b - a for a, b in pairwise(ends))
    return steps * each[len(each) // 2] if each else 0.0

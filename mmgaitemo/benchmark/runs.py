"""Whole epochs through MMEngine's Runner, with the time that each part of them takes."""

from __future__ import annotations

import copy
import tempfile
import time
from itertools import count

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.benchmark.stopwatch import Stopwatch
from mmgaitemo.engine.contrast_hooks import unwrap

PHASES = ("forward", "backward", "optimiser", "views", "hooks", "data and loop")
LEARNING = PHASES[:3]
_NUMBERS = count()


class EpochClock(Hook):
    """Notes where the time of each training epoch goes.

    Args:
        device: It is waited for at each change of phase, except where only the time as a whole is asked for.
        detailed: Note every phase, or only the time as a whole, as ``data and loop``.
    """

    priority = "VERY_HIGH"

    def __init__(self, device: str, detailed: bool) -> None:
        self.epochs: list[dict[str, float]] = []
        self._stopwatch = Stopwatch(device)
        self._detailed = detailed

    def before_train(self, runner: Runner) -> None:
        """Look at everything that takes part."""
        loop = runner.train_loop
        run_epoch = loop.run_epoch

        def timed() -> None:
            with self._stopwatch.phase("data and loop"):
                run_epoch()
            self.epochs.append(self._stopwatch.take())

        loop.run_epoch = timed
        if not self._detailed:
            return
        model = unwrap(runner.model)
        for owner, method, phase in (
            (model.data_preprocessor, "forward", "views"),
            (model, "_run_forward", "forward"),
            (runner.optim_wrapper, "backward", "backward"),
            (runner.optim_wrapper, "step", "optimiser"),
            (runner.optim_wrapper, "zero_grad", "optimiser"),
            (runner, "call_hook", "hooks"),
        ):
            self._stopwatch.watch(owner, method, phase)


def train_epochs(cfg: Config, epochs: int, device: str, detailed: bool = False) -> list[dict[str, float]]:
    """Train in a folder that is thrown away, without validation, and give phase to seconds of each epoch.

    Args:
        cfg: Of a pre-training; it is left as it is.
        epochs: At least 1. One more comes first and is not counted.
        device: "cpu" or "cuda", where the Runner puts the model.
        detailed: All phases, or only the time as a whole.
    """
    cfg = copy.deepcopy(cfg)
    cfg.train_cfg.max_epochs = epochs + 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.pop("report", None)  # draws pictures at the end
    cfg.log_level = "ERROR"
    # MMEngine names a run by the second it starts in; two runs of one name in a process share their logs.
    cfg.experiment_name = f"benchmark_{time.time_ns()}_{next(_NUMBERS)}"
    clock = EpochClock(device, detailed)
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        runner = Runner.from_cfg(cfg)
        runner.register_hook(clock)
        runner.train()
    return clock.epochs[1:]

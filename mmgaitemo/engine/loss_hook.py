"""The losses stay on the device; the host reads those of many iterations at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.runner import Runner
from torch import Tensor

from mmgaitemo.compat import OptimWrapper
from mmgaitemo.errors import TrainingError
from mmgaitemo.registry import HOOKS


@dataclass(frozen=True)
class _Iteration:
    place: str
    ids: list[str]
    losses: dict[str, Tensor]
    notes: dict[str, Tensor]


@HOOKS.register_module()
class LossHook(RuntimeInfoHook):
    """Logs the losses of every iteration, and stops the run at the first that is not finite.

    To read a number of a device, the host waits until all work queued before it is done, and meanwhile queues none. So
    the losses are read together: where ``LoggerHook`` writes a line, after each epoch, before a validation, and before
    a checkpoint is written, so that none is written after a broken loss. Those of the first iteration of a run are read
    at once: what is wrong from the start (and in a rehearsal) is said at the start. The log is the same as with
    MMEngine's ``RuntimeInfoHook``, which reads each number in its own iteration and which this one replaces.
    """

    def __init__(self) -> None:
        self._unread: list[_Iteration] = []
        self._interval = 1
        self._started = False

    def before_train(self, runner: Runner) -> None:
        """Find out how often the log is written."""
        super().before_train(runner)
        self._interval = min((hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), default=1)
        self._started = False

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Keep the losses of the iteration, and read them where somebody wants to see them.

        Raises:
            TrainingError: A loss is infinite or not a number; the first such iteration is named, with its samples.
        """
        wrapper = runner.optim_wrapper
        self._unread.append(
            _Iteration(
                f"epoch {runner.epoch + 1}, iteration {batch_idx + 1}",
                list((data_batch or {}).get("id", [])),
                {name: torch.as_tensor(value).detach() for name, value in (outputs or {}).items()},
                wrapper.take_notes() if isinstance(wrapper, OptimWrapper) else {},
            )
        )
        last = self.end_of_epoch(runner.train_dataloader, batch_idx)
        if last or not self._started or self.every_n_inner_iters(batch_idx, self._interval):
            self._started = True
            self._read(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Read them before weights are kept."""
        self._read(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """Read them before weights are evaluated."""
        self._read(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Read what is left."""
        self._read(runner)

    def _read(self, runner: Runner) -> None:
        unread, self._unread = self._unread, []
        if not unread:
            return
        tensors = [value.reshape(()) for it in unread for value in (*it.notes.values(), *it.losses.values())]
        numbers = iter(torch.stack(tensors).tolist())  # the one place where the host waits
        for iteration in unread:
            values = {name: next(numbers) for name in (*iteration.notes, *iteration.losses)}
            for name, value in values.items():
                runner.message_hub.update_scalar(f"train/{name}", value)
            if bad := {name: values[name] for name in iteration.losses if not math.isfinite(values[name])}:
                raise TrainingError(
                    iteration.place,
                    "the loss is not finite",
                    found=f"{bad} on samples {iteration.ids}",
                    remedy="look at these samples, lower the learning rate or clip the gradient; a checkpoint in "
                    f"{runner.work_dir} is from before, though perhaps already on the way there",
                )

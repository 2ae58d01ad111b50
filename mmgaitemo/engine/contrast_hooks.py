"""The two hooks of a momentum contrast: when the key encoder and the queue move."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.registry import HOOKS


class OptimStepHook(Hook, ABC):
    """Acts once per optimiser step, not per micro-batch of an accumulated one, before logging and checkpoints."""

    priority = "ABOVE_NORMAL"
    partner = ""

    def before_train(self, runner: Runner) -> None:
        """Refuse to run without the other half: a contrast with one of the two learns nothing, silently.

        Raises:
            TrainingError: The partner hook is missing.
            ConfigError: The model has no key encoder and queue.
        """
        if not any(type(hook).__name__ == self.partner for hook in runner.hooks):
            raise TrainingError(
                "default_hooks",
                f"{type(self).__name__} works only beside {self.partner}",
                found=[type(hook).__name__ for hook in runner.hooks],
                remedy=f"add dict(type='{self.partner}') to default_hooks",
            )
        model = unwrap(runner.model)
        if not (hasattr(model, "momentum_update") and hasattr(model, "queue")):
            raise ConfigError(
                "default_hooks",
                f"{type(self).__name__} needs a model with a key encoder and a queue",
                found=type(model).__name__,
                remedy="remove the hook or use type='SSAL'",
            )

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Forward to ``after_optim_step`` where the optimiser has stepped."""
        if runner.optim_wrapper.should_update():
            self.after_optim_step(runner, unwrap(runner.model))

    @abstractmethod
    def after_optim_step(self, runner: Runner, model: Any) -> None:
        """What the hook does."""


def unwrap(model: nn.Module) -> Any:
    """The model inside a distributed wrapper."""
    return model.module if is_model_wrapper(model) else model


@HOOKS.register_module()
class MomentumUpdateHook(OptimStepHook):
    """theta_k <- m theta_k + (1 - m) theta_q after each optimiser step.

    Args:
        momentum: m of the first step; 0.999 in MoCo and AimCLR, which train for 90,000 steps and more. The key
            encoder averages about 1 / (1 - m) steps: keep that well below the length of the run.
        end_momentum: m of the last step, reached along half a cosine; None keeps m constant.
    """

    partner = "KeyQueueHook"

    def __init__(self, momentum: float = 0.999, end_momentum: float | None = None) -> None:
        self.momentum = momentum
        self.end_momentum = momentum if end_momentum is None else end_momentum
        for name, value in (("momentum", self.momentum), ("end_momentum", self.end_momentum)):
            if not 0.5 <= value <= 1.0:
                raise ConfigError(
                    f"MomentumUpdateHook.{name}",
                    "must lie in [0.5, 1]: it is the share of the key encoder that stays (MMEngine's EMA counts the "
                    "other way round)",
                    found=value,
                    remedy="0.99 suits a run of some hundred steps, 0.999 one of many thousand",
                )

    def at(self, progress: float) -> float:
        """M at a share of the run in [0, 1]."""
        return self.end_momentum - (self.end_momentum - self.momentum) * (math.cos(math.pi * progress) + 1) / 2

    def after_optim_step(self, runner: Runner, model: Any) -> None:
        """Move the key encoder and log m."""
        momentum = self.at(runner.iter / max(runner.max_iters - 1, 1))
        model.momentum_update(momentum)
        runner.message_hub.update_scalar("train/momentum", momentum)


@HOOKS.register_module()
class KeyQueueHook(OptimStepHook):
    """Writes the keys staged since the last optimiser step, of all processes, into the queue."""

    partner = "MomentumUpdateHook"

    def before_train(self, runner: Runner) -> None:
        """Check the partner, and say so where the queue is larger than an epoch."""
        super().before_train(runner)
        size, samples = len(unwrap(runner.model).queue.keys), len(runner.train_dataloader.dataset)
        if size >= samples and not unwrap(runner.model).queue.mask_self:
            runner.logger.warning(
                f"queue.size={size} holds every one of the {samples} training samples {size / samples:.1f} times, each "
                "a negative of itself; set a smaller size or mask_self=True"
            )

    def after_optim_step(self, runner: Runner, model: Any) -> None:
        """Commit the staged keys."""
        model.queue.commit()

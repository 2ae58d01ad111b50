"""Hooks every run has: reproducible draws, and a stop at the first number that is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast, get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.errors import TrainingError
from mmgaitemo.evaluation import reestimate_batchnorm
from mmgaitemo.models.algorithms.gait_classifier import UNTRAINED
from mmgaitemo.registry import HOOKS


@HOOKS.register_module()
class SeedHook(Hook):
    """Makes all randomness of an iteration a function of (seed, epoch, iteration, rank).

    It seeds the views of the preprocessor and PyTorch's global generator (dropout), so that neither the number of
    workers, nor a resume, nor what ran before changes a draw.
    """

    priority = "VERY_HIGH"

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the iteration."""
        entropy = (runner.seed, runner.epoch, batch_idx, get_rank())
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        unwrap(runner.model).data_preprocessor.seed(*entropy)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops at the first loss that is not finite and names the samples of its batch."""

    priority = "VERY_HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Check the losses of the iteration.

        Raises:
            TrainingError: A loss is infinite or not a number.
        """
        values = {name: float(torch.as_tensor(value).detach()) for name, value in (outputs or {}).items()}
        bad = {name: value for name, value in values.items() if not math.isfinite(value)}
        if bad:
            ids = list((data_batch or {}).get("id", []))
            raise TrainingError(
                f"epoch {runner.epoch + 1}, iteration {batch_idx + 1}",
                "the loss is not finite",
                found=f"{bad} on samples {ids}",
                remedy="look at these samples, lower the learning rate or clip the gradient; the last checkpoint in "
                f"{runner.work_dir} is from before",
            )


@HOOKS.register_module()
class RankZeroBuffersHook(Hook):
    """Gives all processes the buffers of the first before an evaluation.

    Each process keeps BatchNorm statistics of its own while training; the checkpoint holds those of the first. So what
    is measured in a distributed run is the model that is saved.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Broadcast the floating-point buffers; queue and counters are equal already."""
        for buffer in unwrap(runner.model).buffers():
            if buffer.is_floating_point():
                broadcast(buffer, src=0)


@HOOKS.register_module()
class UntrainedEncoderHook(Hook):
    """Gives an encoder that is untrained on purpose the BatchNorm statistics of the training walks.

    So the probe of ``--encoder untrained`` differs from that of a pre-trained encoder in the weights alone.
    """

    def before_train(self, runner: Runner) -> None:
        """Set the statistics, in a fresh run."""
        model = unwrap(runner.model)
        if model.encoder == UNTRAINED and runner.iter == 0:
            reestimate_batchnorm(model, runner.train_dataloader.dataset)
            model.train()

"""Hooks every run has: reproducible draws, labels where they are needed, one set of statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast, get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.errors import DataError
from mmgaitemo.evaluation import prepare_untrained, reestimate_batchnorm
from mmgaitemo.models.algorithms.gait_classifier import UNTRAINED, GaitClassifier
from mmgaitemo.registry import HOOKS
from mmgaitemo.samples import sample_ids, sample_labels


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
class LabelledHook(Hook):
    """Sees to it that a classifier is trained on labelled walks only."""

    def before_train(self, runner: Runner) -> None:
        """Look at all labels once, on the host.

        Raises:
            DataError: A walk has no label.
        """
        if not isinstance(unwrap(runner.model), GaitClassifier):
            return
        dataset = runner.train_dataloader.dataset
        labels = sample_labels(dataset)
        if (labels < 0).any():
            ids = sample_ids(dataset)
            unlabelled = [ids[index] for index in (labels < 0).nonzero().flatten()[:5].tolist()]
            raise DataError(
                f"samples {unlabelled}",
                "a classifier cannot be trained on walks without a label",
                found=f"{int((labels < 0).sum())} of {len(labels)}",
                remedy="leave the unlabelled source out of train_dataloader.dataset.files",
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
    """Gives an encoder that is untrained on purpose the BatchNorm statistics and whitening of the training walks.

    So the probe of ``--encoder untrained`` differs from that of a pre-trained encoder in the weights alone.
    """

    def before_train(self, runner: Runner) -> None:
        """Set the statistics, in a fresh run."""
        model = unwrap(runner.model)
        if model.encoder == UNTRAINED and runner.iter == 0:
            prepare_untrained(model, runner.train_dataloader.dataset)
            model.train()


@HOOKS.register_module()
class CleanStatisticsHook(Hook):
    """Takes the query encoder's BatchNorm statistics from the training walks as they are, after the last epoch.

    While training they are running means over augmented views, strong ones with masked joints among them; evaluation
    shows clean walks. No label is used.
    """

    priority = "BELOW_NORMAL"  # before the checkpoint is written

    def after_train_epoch(self, runner: Runner) -> None:
        """Set the statistics, if the training ends here."""
        if runner.epoch + 1 == runner.max_epochs:
            model = unwrap(runner.model)
            reestimate_batchnorm(model, runner.train_dataloader.dataset)
            model.train()

"""The hook that fits an encoder's whitening once it is trained."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.errors import ConfigError
from mmgaitemo.evaluation import fit_whitening
from mmgaitemo.registry import HOOKS
from mmgaitemo.samples import sample_groups, sample_walks


@HOOKS.register_module()
class WhiteningHook(Hook):
    """Fits the backbone's ``NuisanceWhitening`` to the training walks after the last epoch, before its checkpoint.

    Args:
        frames: How many frames of a training input are read, from the first; None: all. Where training has longer
            inputs than evaluation (room for ``RandomWindow``), the length of evaluation: a statistic of other lengths
            is another one.

    Raises:
        ConfigError: ``frames`` is no number of frames.
    """

    def __init__(self, frames: int | None = None) -> None:
        if frames is not None and (type(frames) is not int or frames < 1):
            raise ConfigError(
                "WhiteningHook.frames",
                "must be a whole number of at least 1, or None",
                found=repr(frames),
                remedy="name the length of evaluation's inputs",
            )
        self.frames = frames

    def before_train(self, runner: Runner) -> None:
        """Begin without whitening, also where a run goes on after its end.

        Raises:
            ConfigError: The model has none, or the training walks tell too little to fit it.
        """
        backbone = unwrap(runner.model).backbone
        if getattr(backbone, "whitening", None) is None:
            raise ConfigError(
                "default_hooks.whitening",
                "WhiteningHook needs a backbone with whitening",
                found=f"{type(backbone).__name__} without",
                remedy="set model.backbone.whitening=dict(type='NuisanceWhitening'), or take the hook out",
            )
        dataset = runner.train_dataloader.dataset
        backbone.whitening.check(sample_groups(dataset), sample_walks(dataset))
        if runner.epoch < runner.max_epochs:
            backbone.whitening.reset()

    def after_train_epoch(self, runner: Runner) -> None:
        """Fit, if it was the last epoch."""
        if runner.epoch + 1 < runner.max_epochs:
            return
        model = unwrap(runner.model)
        fit_whitening(model, runner.train_dataloader.dataset, self.frames)
        model.train()

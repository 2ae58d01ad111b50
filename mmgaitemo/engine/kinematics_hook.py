"""The hook of kinematic targets: their statistics are those of the training walks."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.errors import ConfigError
from mmgaitemo.kinematics.collect import kinematic_features
from mmgaitemo.registry import HOOKS


@HOOKS.register_module()
class KinematicsHook(Hook):
    """Gives a model's ``KinematicTargets`` median and spread of the training walks, before the first step."""

    def before_train(self, runner: Runner) -> None:
        """Take the statistics, in a fresh run; a resumed one has them in its checkpoint.

        Raises:
            ConfigError: The model has no kinematic targets, or the training walks no kinematics.
        """
        targets = getattr(unwrap(runner.model), "kinematics", None)
        if targets is None:
            raise ConfigError(
                "default_hooks.kinematics",
                "KinematicsHook needs a model with loss_kinematics or soft_targets",
                found=type(unwrap(runner.model)).__name__,
                remedy="set one of them, or take the hook out",
            )
        if runner.iter == 0:
            targets.fit(kinematic_features(runner.train_dataloader.dataset)[0])
        targets.ready = True

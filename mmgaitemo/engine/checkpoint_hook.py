"""Checkpoints that are safe to load, and are loaded whole or not at all."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.models.encoder_io import check_state
from mmgaitemo.registry import HOOKS

PLAIN = (str, int, float, bool, type(None))


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Keeps pickled objects out of checkpoints, and foreign weights out of the model.

    MMEngine stores its log buffers in the checkpoint as pickled objects, which torch >= 2.6 rightly refuses to load
    (open-mmlab/mmengine#1655). They only smooth the console log; the log files hold every value. And MMEngine loads
    whatever keys happen to fit; here a missing or unexpected key is an error.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Leave only tensors and plain values."""
        hub = checkpoint["message_hub"]
        hub["log_scalars"] = OrderedDict()
        hub["runtime_info"] = OrderedDict((k, v) for k, v in hub["runtime_info"].items() if type(v) in PLAIN)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Compare keys and shapes before anything is loaded.

        Raises:
            CheckpointError: The checkpoint belongs to another model.
        """
        path = str(getattr(runner, "_load_from", None) or "checkpoint")
        check_state(unwrap(runner.model), checkpoint.get("state_dict", checkpoint), path)

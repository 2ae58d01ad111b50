"""Checkpoints that are safe to load, and are loaded whole or not at all."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.models.encoder_io import check_state
from mmgaitemo.models.modules.key_queue import fingerprint
from mmgaitemo.registry import HOOKS

PLAIN = (str, int, float, bool, type(None))


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Keeps pickled objects out of checkpoints, and foreign weights out of the model.

    MMEngine stores its log buffers in the checkpoint as pickled objects, which torch >= 2.6 rightly refuses to load
    (open-mmlab/mmengine#1655). They only smooth the console log; the log files hold every value. And MMEngine loads
    whatever keys happen to fit; here a missing or unexpected key is an error. The checkpoint also says which walks it
    was trained on, so that no tool evaluates it on them.
    """

    def __init__(self) -> None:
        self._trained_on: Tensor | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Leave only tensors and plain values, and add the fingerprints of the training walks."""
        if self._trained_on is None:
            dataset = runner.train_dataloader.dataset
            self._trained_on = fingerprint([dataset[index]["id"] for index in range(len(dataset))])
        checkpoint["meta"]["trained_on"] = self._trained_on
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

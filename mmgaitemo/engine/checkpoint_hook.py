"""Checkpoints that are safe to load, are loaded whole or not at all, and are never given up for one not yet written."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import mmengine.hooks
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.errors import TrainingError
from mmgaitemo.models.algorithms.gait_classifier import UNTRAINED
from mmgaitemo.models.encoder_io import check_state, read_checkpoint
from mmgaitemo.registry import HOOKS
from mmgaitemo.samples import fingerprint, sample_ids

PLAIN = (str, int, float, bool, type(None))


@HOOKS.register_module()
class CheckpointHook(mmengine.hooks.CheckpointHook):
    """MMEngine's hook, but the oldest checkpoint goes only after the newest is on the disk.

    MMEngine 0.10.7 deletes first (``_save_checkpoint_with_step``; no upstream issue names it): with
    ``max_keep_ckpts=1``, a full disk costs the only checkpoint.
    """

    max_keep_ckpts: int

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        limit = self.max_keep_ckpts
        dropped: list[int] = []
        if limit > 0 and step not in self.keep_ckpt_ids:
            dropped = list(self.keep_ckpt_ids)[: len(self.keep_ckpt_ids) + 1 - limit]
            self.keep_ckpt_ids.append(step)  # a deque of this length
            runner.message_hub.update_info("keep_ckpt_ids", list(self.keep_ckpt_ids))
        try:
            self.max_keep_ckpts = -1  # MMEngine keeps them all
            super()._save_checkpoint_with_step(runner, step, meta)
        except OSError as error:
            raise TrainingError(
                self.out_dir,
                "the checkpoint cannot be written",
                found=error,
                remedy="make room, then --resume: the checkpoints before it are whole",
            ) from error
        finally:
            self.max_keep_ckpts = limit
        for old in dropped:
            path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(old))
            if is_main_process() and self.file_backend.isfile(path):
                self.file_backend.remove(path)


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Keeps pickled objects out of checkpoints, and foreign weights out of the model.

    MMEngine stores its log buffers in the checkpoint as pickled objects, which torch >= 2.6 rightly refuses to load
    (open-mmlab/mmengine#1655). They only smooth the console log; the log files hold every value. And MMEngine loads
    whatever keys happen to fit; here a missing or unexpected key is an error. The checkpoint also says which walks it
    was trained on, those of its encoder's pre-training included, so that no tool evaluates it on them.
    """

    def __init__(self) -> None:
        self._trained_on: Tensor | None = None

    def before_train(self, runner: Runner) -> None:
        """Note the walks while the checkpoints that the run starts from are surely there."""
        seen = [fingerprint(sample_ids(runner.train_dataloader.dataset))]
        for start in (getattr(unwrap(runner.model), "encoder", None), runner._load_from):
            if start not in (None, UNTRAINED):
                known = read_checkpoint(start)["meta"].get("trained_on")
                seen += [] if known is None else [known]
        self._trained_on = torch.cat(seen).unique()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Leave only tensors and plain values, and add the fingerprints of the training walks."""
        checkpoint["meta"]["trained_on"] = self._trained_on
        hub = checkpoint["message_hub"]
        hub["log_scalars"] = OrderedDict()
        hub["runtime_info"] = OrderedDict((key, value) for key, value in hub["runtime_info"].items() if _plain(value))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Compare keys and shapes before anything is loaded.

        Raises:
            CheckpointError: The checkpoint belongs to another model.
        """
        path = str(getattr(runner, "_load_from", None) or "checkpoint")
        check_state(unwrap(runner.model), checkpoint.get("state_dict", checkpoint), path)


def _plain(value: Any) -> bool:
    return all(type(part) in PLAIN for part in value) if type(value) is list else type(value) in PLAIN

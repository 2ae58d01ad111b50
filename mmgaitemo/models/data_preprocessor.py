"""From a batch of the loader to what the network sees: device, views, stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmgaitemo.augmentation.base import indices
from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.registry import MODELS, TRANSFORMS
from mmgaitemo.skeleton import Skeleton, get_skeleton

STREAMS = ("joint", "bone", "motion")


def to_stream(inputs: Tensor, stream: str, skeleton: Skeleton) -> Tensor:
    """Derive a stream from joint positions (N, 3, T, V); the shape stays.

    ``bone``: each joint minus its parent, the root 0. ``motion``: the next frame minus this one, the last frame 0.
    """
    if stream == "bone":
        parents = tuple(joint if parent < 0 else parent for joint, parent in enumerate(skeleton.parents))
        return inputs - inputs.index_select(3, indices(parents, inputs.device))
    if stream == "motion":
        return torch.diff(inputs, dim=2, append=inputs[:, :, -1:])
    return inputs


@MODELS.register_module()
class GaitDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the device, draws the views there while training, and derives the stream after them.

    The draws are a function of (seed, epoch, iteration, rank) alone, set by ``SeedHook`` before each iteration; the
    number of workers, a resume or what else ran before changes nothing.

    Args:
        skeleton: Name of the joint layout.
        stream: "joint", "bone" (vector from the parent) or "motion" (difference to the next frame).
        views: Config of the views drawn while training (``ContrastiveViews`` or ``SingleView``); None draws none.
    """

    def __init__(self, skeleton: str, stream: str = "joint", views: dict | None = None) -> None:
        super().__init__(non_blocking=True)  # the host need not wait for a copy to the device
        if stream not in STREAMS:
            raise ConfigError(
                "data_preprocessor.stream", "no such stream", found=repr(stream), remedy=f"use one of {STREAMS}"
            )
        self.skeleton = get_skeleton(skeleton)
        self.stream = stream
        self.views = TRANSFORMS.build(views) if views else None
        self._generator: torch.Generator | None = None

    def seed(self, *entropy: int) -> None:
        """Fix the draws of the next batch: the same numbers give the same views."""
        state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]) >> 1
        self._generator = torch.Generator(self.device).manual_seed(state)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Prepare a batch.

        Args:
            data: ``inputs`` (N, 3, T, V), ``label`` (N,), ``id`` N names.
            training: Draw the views.

        Returns:
            ``inputs`` (N, 3, T, V), or a dict of such views; ``labels`` (N,); ``ids``.

        Raises:
            ConfigError: The batch has another number of joints than the skeleton.
            TrainingError: Views are to be drawn, but nothing has seeded them.
        """
        batch = self.cast_data(data)
        inputs: Tensor = batch["inputs"]
        if inputs.ndim != 4 or inputs.shape[1] != 3 or inputs.shape[3] != self.skeleton.num_joints:
            raise ConfigError(
                "data_preprocessor.skeleton",
                f"{self.skeleton.name!r} takes inputs (N, 3, T, {self.skeleton.num_joints})",
                found=tuple(inputs.shape),
                remedy="name the skeleton of the data set in the config's skeleton variable",
            )
        views: Tensor | dict[str, Tensor] = inputs
        if training and self.views is not None:
            if self._generator is None:
                raise TrainingError(
                    "default_hooks",
                    "the views are random, but nothing has seeded them",
                    remedy="add dict(type='SeedHook') to default_hooks, or call data_preprocessor.seed(...)",
                )
            views = self.views(inputs, self.skeleton, self._generator)
        if isinstance(views, dict):
            streams: Any = {name: to_stream(view, self.stream, self.skeleton) for name, view in views.items()}
        else:
            streams = to_stream(views, self.stream, self.skeleton)
        return {"inputs": streams, "labels": batch["label"], "ids": batch["id"]}

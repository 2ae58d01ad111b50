"""From a batch of the loader to what the network sees: device, views, streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn

from mmgaitemo.augmentation.base import indices
from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.models.backbones.base import CoordinateNorm
from mmgaitemo.registry import MODELS, TRANSFORMS
from mmgaitemo.skeleton import Skeleton, get_skeleton

STREAMS = ("joint", "bone", "motion", "direction")


def to_stream(inputs: Tensor, stream: str, skeleton: Skeleton) -> Tensor:
    """Derive a stream from joint positions (N, 3, T, V); the shape stays.

    ``bone``: each joint minus its parent, the root 0. ``direction``: the bone without its length, so that bodies of
    other proportions give the same; a bone without length gives 0. ``motion``: the next frame minus this one, the last
    frame 0.
    """
    if stream in ("bone", "direction"):
        parents = tuple(joint if parent < 0 else parent for joint, parent in enumerate(skeleton.parents))
        bones = inputs - inputs.index_select(3, indices(parents, inputs.device))
        return bones if stream == "bone" else nn.functional.normalize(bones, dim=1)
    if stream == "motion":
        return torch.diff(inputs, dim=2, append=inputs[:, :, -1:])
    return inputs


def to_streams(inputs: Tensor, streams: Sequence[str], skeleton: Skeleton) -> Tensor:
    """Streams of joint positions (N, 3, T, V), one behind the other along the channels: (N, 3 * streams, T, V)."""
    derived = [to_stream(inputs, stream, skeleton) for stream in streams]
    return derived[0] if len(derived) == 1 else torch.cat(derived, dim=1)


@MODELS.register_module()
class GaitDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the device, draws the views there while training, and derives the streams after them.

    The draws are a function of (seed, epoch, iteration, rank) alone, set by ``SeedHook`` before each iteration; the
    number of workers, a resume or what else ran before changes nothing.

    Args:
        skeleton: Name of the joint layout.
        stream: "joint", "bone" (vector from the parent), "direction" (the same with length 1) or "motion" (difference
            to the next frame); or several, such as ("joint", "bone", "motion"), which then stand one behind the other
            along the channels. The encoder's ``in_channels`` are 3 for each.
        views: Config of the views drawn while training (``ContrastiveViews`` or ``SingleView``); None draws none.

    Raises:
        ConfigError: No stream, one twice, or an unknown one; or an unknown skeleton.
    """

    def __init__(self, skeleton: str, stream: str | Sequence[str] = "joint", views: dict | None = None) -> None:
        super().__init__(non_blocking=True)  # the host need not wait for a copy to the device
        self.streams = (stream,) if isinstance(stream, str) else tuple(stream)
        if not self.streams or len(set(self.streams)) < len(self.streams) or not set(self.streams) <= set(STREAMS):
            raise ConfigError(
                "data_preprocessor.stream",
                "no such stream",
                found=repr(stream),
                remedy=f"use one of {STREAMS}, or several, each once",
            )
        self.skeleton = get_skeleton(skeleton)
        self.views = TRANSFORMS.build(views) if views else None
        self._generator: torch.Generator | None = None

    def seed(self, *entropy: int) -> None:
        """Fix the draws of the next batch: the same numbers give the same views."""
        state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]) >> 1
        self._generator = torch.Generator(self.device).manual_seed(state)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Prepare a batch.

        Args:
            data: ``inputs`` (N, 3, T, V), ``label`` (N,), ``id`` N names, and maybe ``kinematics`` (N, D).
            training: Draw the views.

        Returns:
            ``inputs`` (N, 3 * streams, T, V), or a dict of such views; ``labels`` (N,); ``ids``; with a dict of
            views also the ``kinematics`` (N, D) of the walks, where the data set has them.

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
            streams: Any = {name: to_streams(view, self.streams, self.skeleton) for name, view in views.items()}
        else:
            streams = to_streams(views, self.streams, self.skeleton)
        prepared = {"inputs": streams, "labels": batch["label"], "ids": batch["id"]}
        if isinstance(views, dict) and "kinematics" in batch:  # targets of a contrast; no classifier reads them
            prepared["kinematics"] = batch["kinematics"]
        return prepared


def check_in_channels(model: BaseModel) -> None:
    """Refuse an encoder that reads another number of channels than its ``GaitDataPreprocessor`` makes.

    What an encoder reads is told by its ``CoordinateNorm``; one without, or behind another preprocessor, passes.

    Raises:
        ConfigError: They differ; names both keys.
    """
    preprocessor = model.data_preprocessor
    if not isinstance(preprocessor, GaitDataPreprocessor):
        return
    made, joints = 3 * len(preprocessor.streams), preprocessor.skeleton.num_joints
    norms = {name: part.norm for name, part in model.backbone.named_modules() if isinstance(part, CoordinateNorm)}
    for name, norm in norms.items():
        reads, other_layout = divmod(norm.num_features, joints)  # another layout is another fault
        if reads != made and not other_layout:
            branch = name.removeprefix("branches.").removesuffix("norm")
            raise ConfigError(
                f"model.backbone.{branch}in_channels",
                f"must be {made}, three for each stream of model.data_preprocessor.stream",
                found=f"in_channels {reads}, stream {preprocessor.streams}",
                remedy="change one of the two keys; in_channels stands in every branch",
            )

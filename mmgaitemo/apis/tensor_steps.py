"""The steps of a pipeline as tensor operations on batches, for graphs that run without this package.

Each is the step of the same name in ``mmgaitemo.datasets.pipelines``, whose docstring says what it is for; positions
are (N, T, V, 3) float32. Where a step refuses a walk, a graph cannot: what comes out then is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmgaitemo.datasets.pipelines import AlignHeading, BodyScale, CentreRoot, PackGait, Resample, TileCyclic
from mmgaitemo.skeleton import Skeleton

TensorStep = Callable[[Tensor], Tensor]


def tensor_tail(transforms: Sequence[BaseTransform], skeleton: Skeleton) -> tuple[list[TensorStep], list[str]]:
    """What of a pipeline can be part of a graph: the longest row of steps at its end that are tensor operations.

    Returns:
        These steps; and the names of the steps before them, which have to be done outside.
    """
    inside: list[TensorStep] = []
    for number in reversed(range(len(transforms))):
        step = tensor_step(transforms[number], skeleton)
        if step is None:
            return inside, [type(transform).__name__ for transform in transforms[: number + 1]]
        inside.insert(0, step)
    return inside, []


def tensor_step(transform: BaseTransform, skeleton: Skeleton) -> TensorStep | None:
    """A step on batches; None for one that looks for something in a walk, such as its cycles or its rate."""
    if type(transform) is TileCyclic:
        return lambda x: _tile(x, transform.length, transform.stride)
    if type(transform) is Resample:
        return lambda x: _resample(x, transform.length)
    if type(transform) is CentreRoot:
        return lambda x: x - _mean(x, skeleton.centre)[:, :, None]
    if type(transform) is BodyScale:
        return lambda x: x / _trunk(x, skeleton)[:, None, None, None]
    if type(transform) is AlignHeading and transform.by == "hips":
        return lambda x: _align(x, skeleton)
    if type(transform) is PackGait:
        return lambda x: x.permute(0, 3, 1, 2)
    return None


def _tile(x: Tensor, length: int, stride: int) -> Tensor:
    frames = torch.full((length,), x.shape[1])  # as a tensor: ONNX has no remainder by a size
    return x.index_select(1, stride * torch.arange(length) % frames)


def _mean(x: Tensor, joints: Sequence[int]) -> Tensor:
    """(N, T, V, 3) to (N, T, 3)."""
    return x[:, :, list(joints)].mean(2)


def _trunk(x: Tensor, skeleton: Skeleton) -> Tensor:
    """(N,): mean length from centre to neck."""
    return (_mean(x, skeleton.neck) - _mean(x, skeleton.centre)).square().sum(2).sqrt().mean(1)


def _align(x: Tensor, skeleton: Skeleton) -> Tensor:
    left, right = skeleton.hips
    hips = (x[:, :, left] - x[:, :, right]).mean(1)  # (N, 3)
    lateral, forward = hips[:, skeleton.lateral], hips[:, skeleton.forward]
    width = (lateral.square() + forward.square()).sqrt()
    cos, sin = (-lateral / width)[:, None, None], (forward / width)[:, None, None]
    axes = list(x.unbind(3))
    side, ahead = axes[skeleton.lateral], axes[skeleton.forward]
    axes[skeleton.lateral], axes[skeleton.forward] = side * cos - ahead * sin, side * sin + ahead * cos
    return torch.stack(axes, 3)


def _resample(x: Tensor, length: int) -> Tensor:
    frames = x.shape[1]
    time = torch.arange(length) * ((frames - 1) / (length - 1))
    before = time.long().clamp(max=frames - 2)
    weight = (time - before)[:, None, None]
    return (1 - weight) * x.index_select(1, before) + weight * x.index_select(1, before + 1)

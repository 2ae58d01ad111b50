"""What every view transform shares: the call with its per-sample coin, the random draws, and building from configs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import torch
from torch import Tensor

from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import Skeleton


class ViewTransform(ABC):
    """A random transform of a batch on its device; each sample has its own draw.

    Args:
        prob: Probability in [0, 1] with which a sample is transformed.

    Raises:
        ConfigError: ``prob`` is no probability.
    """

    def __init__(self, prob: float = 1.0) -> None:
        self.prob = within(f"{type(self).__name__}.prob", prob, 0, 1)

    def __call__(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """Transform a batch; the input is left as it is.

        Args:
            x: (N, 3, T, V) float32, centred on the root, in units of the body scale.
            skeleton: Layout of the V joints.
            generator: The only source of randomness, on the device of ``x``.

        Returns:
            (N, 3, T, V), same dtype and device.

        Raises:
            ConfigError: The batch does not have the joints of the skeleton.
        """
        if x.ndim != 4 or (x.shape[1], x.shape[3]) != (3, skeleton.num_joints):
            raise ConfigError(
                type(self).__name__,
                f"needs batches (N, 3, T, {skeleton.num_joints}) for skeleton {skeleton.name!r}",
                found=tuple(x.shape),
                remedy="give the data preprocessor the skeleton of the data set",
            )
        # MMEngine calls the data preprocessor inside autocast, which would make matrix products half precision.
        with torch.autocast(x.device.type, enabled=False):
            if self.prob == 1:
                return self.transform(x, skeleton, generator)
            fired = uniform((len(x), 1, 1, 1), 0, 1, generator) < self.prob
            return choose(fired, self.transform(x, skeleton, generator), x)

    @abstractmethod
    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """Transform every sample of (N, 3, T, V) with a draw of its own, without writing to ``x``."""


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw float32 numbers from U(low, high), on the generator's device."""
    draw = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float32)
    return low + (high - low) * draw


def integers(count: int, low: int, high: int, generator: torch.Generator) -> Tensor:
    """Draw (count,) whole numbers from {low, ..., high}, both ends included."""
    return torch.randint(low, high + 1, (count,), generator=generator, device=generator.device)


@lru_cache(maxsize=64)
def indices(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Return whole numbers as a tensor (len(values),) int64, copied to a device once: a copy makes the host wait."""
    return torch.tensor(values, dtype=torch.int64).to(device, non_blocking=True)


def choose(chosen: Tensor, changed: Tensor, x: Tensor) -> Tensor:
    """``changed`` where ``chosen`` (bool, broadcast), elsewhere ``x``; both finite. Faster than ``torch.where``."""
    return torch.lerp(x, changed, chosen.to(x.dtype))  # exact at the weights 0 and 1


def set_zero(hidden: Tensor, x: Tensor) -> Tensor:
    """0 where ``hidden`` (bool, broadcast), elsewhere the finite ``x``. Faster than ``masked_fill``."""
    return x * (~hidden).to(x.dtype)


def random_subsets(sizes: Tensor, total: int, generator: torch.Generator) -> Tensor:
    """Choose without replacement, for each sample, ``sizes[n]`` of ``total`` things.

    Args:
        sizes: (N,) whole numbers in [0, total].
        total: Number of things to choose from.
        generator: Source of randomness.

    Returns:
        (N, total) bool, with ``sizes[n]`` True in row n; all subsets of that size are equally likely.
    """
    permutation = uniform((len(sizes), total), 0, 1, generator).argsort(1)
    return permutation < sizes[:, None]


def apply_matrix(x: Tensor, matrix: Tensor) -> Tensor:
    """Return A p for every joint and frame: (N, 3, T, V) and one matrix per sample (N, 3, 3) to (N, 3, T, V)."""
    return torch.bmm(matrix, x.flatten(2)).view(x.shape)


def take_frames(x: Tensor, frames: Tensor) -> Tensor:
    """Pick frames of each sample: (N, 3, T, V) and indices (N, F) to (N, 3, F, V)."""
    batch, channels, length, joints = x.shape
    # Rows of V numbers, each moved as a whole: a gather of single numbers takes more than ten times as long.
    first = torch.arange(batch * channels, device=x.device).view(batch, channels, 1) * length
    rows = (first + frames[:, None]).flatten()
    return x.reshape(-1, joints).index_select(0, rows).view(batch, channels, -1, joints)


def within(where: str, value: float, low: float, high: float) -> float:
    """Return ``value`` if low <= value <= high, else raise ConfigError naming ``where``."""
    if not low <= value <= high:
        raise ConfigError(where, f"must lie in [{low}, {high}]", found=value, remedy="correct the value in the config")
    return value


def ascending(where: str, bounds: tuple[float, float], low: float, high: float) -> None:
    """Raise ConfigError naming ``where`` unless ``bounds`` is (a, b) with low <= a <= b <= high."""
    if len(bounds) != 2 or not low <= bounds[0] <= bounds[1] <= high:
        raise ConfigError(
            where,
            f"must be two ascending numbers within [{low}, {high}]",
            found=bounds,
            remedy="correct the value in the config",
        )


def whole(where: str, value: int, low: int) -> int:
    """Return ``value`` if it is a whole number of at least ``low``, else raise ConfigError naming ``where``."""
    if not isinstance(value, int) or value < low:
        raise ConfigError(
            where, f"must be a whole number of at least {low}", found=value, remedy="correct the value in the config"
        )
    return value


def one_of(where: str, value: str, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is among ``choices``, else raise ConfigError naming ``where``."""
    if value not in choices:
        raise ConfigError(where, "no such choice", found=repr(value), remedy=f"use one of {choices}")
    return value


def build_transform(config: dict | ViewTransform, where: str) -> ViewTransform:
    """Build one view transform; an object that is one already passes.

    Args:
        config: ``dict(type=..., ...)`` for ``TRANSFORMS``, or a transform.
        where: Config key, for messages.

    Raises:
        ConfigError: Unknown type, unknown or missing argument, or not a view transform.
    """
    try:
        transform = TRANSFORMS.build(config) if isinstance(config, dict) else config
    except (KeyError, TypeError) as error:
        raise ConfigError(
            where, "cannot be built", found=config, remedy=f"correct its type or arguments; the builder says: {error}"
        ) from error
    if not isinstance(transform, ViewTransform):
        raise ConfigError(
            where,
            "is no view transform",
            found=config,
            remedy="use a batched transform of mmgaitemo.augmentation; per-sequence ones belong in the data pipeline",
        )
    return transform

"""Bring a sequence to the length of the network's input. Deterministic; a random crop is an augmentation."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.registry import TRANSFORMS


def _check_length(transform: str, length: int) -> None:
    if not isinstance(length, int) or isinstance(length, bool) or length < 2:
        raise ConfigError(
            f"{transform}.length",
            "the length must be a whole number of at least 2 frames",
            found=length,
            remedy="fix it",
        )


def _frames(results: dict[str, Any], transform: str) -> int:
    frames = len(results["positions"])
    if frames < 2:
        raise DataError(
            f"sample {results['id']!r}",
            f"{transform} needs at least two frames to see a movement",
            found=f"{frames} frame(s)",
            remedy="leave the sequence out or record it again",
        )
    return frames


@TRANSFORMS.register_module()
class TileCyclic(BaseTransform):
    """Repeat a gait cycle until it is long enough, then cut: frame t of the output is frame (stride t) mod T of it.

    Keeps the cadence, which ``Resample`` throws away. Meant for sequences that are one cycle long (E-Gait's own
    part), whose last frame leads back to the first; a longer sequence is only cut.

    Args:
        length: Frames of the output.
        stride: Take every so many-th frame only, at least 1. With 2 the same stretch of time has half the frames
            and costs every layer half as much.

    Raises:
        ConfigError: ``length`` below 2 or ``stride`` below 1.
    """

    def __init__(self, length: int = 48, stride: int = 1) -> None:
        _check_length("TileCyclic", length)
        if not isinstance(stride, int) or isinstance(stride, bool) or stride < 1:
            raise ConfigError(
                "TileCyclic.stride", "the stride must be a whole number of at least 1", found=stride, remedy="fix it"
            )
        self.length, self.stride = length, stride

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) to (length, V, 3).

        Raises:
            DataError: Fewer than two frames.
        """
        frames = _frames(results, "TileCyclic")
        return results | {"positions": results["positions"][self.stride * np.arange(self.length) % frames]}


@TRANSFORMS.register_module()
class Resample(BaseTransform):
    """Stretch or shrink a sequence by linear interpolation over time; first and last frame stay first and last.

    Args:
        length: Frames of the output.
    """

    def __init__(self, length: int = 48) -> None:
        _check_length("Resample", length)
        self.length = length

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) to (length, V, 3).

        Raises:
            DataError: Fewer than two frames.
        """
        frames = _frames(results, "Resample")
        time = np.linspace(0, frames - 1, self.length)
        before = np.minimum(time.astype(np.int64), frames - 2)
        weight = (time - before)[:, None, None]
        positions = results["positions"]
        return results | {"positions": (1 - weight) * positions[before] + weight * positions[before + 1]}

"""Cut whole gait cycles out of a longer recording."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmgaitemo.datasets.pipelines.recording import known
from mmgaitemo.errors import ConfigError
from mmgaitemo.motion.cycles import find_cycles
from mmgaitemo.registry import TRANSFORMS


@TRANSFORMS.register_module()
class WholeCycles(BaseTransform):
    """Cut out whole gait cycles, so that ``TileCyclic`` behind it repeats them without a jump.

    Of all runs of ``count`` cycles in a row it takes the one whose end leads back to its start most closely, so that
    the first step out of standing or a turn is left out. A walk with fewer cycles gives all that it has. A walk in
    which none is found stays whole: it may be a single cycle already, as in E-Gait, and a large set should not stop at
    a few odd walks. ``cycles`` tells them apart, and the data set logs how many they are.

    Args:
        count: Cycles wanted, at least 1. Two or more keep how steps differ from one another.
    """

    def __init__(self, count: int = 1) -> None:
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ConfigError("WholeCycles.count", "is no number of gait cycles", found=repr(count), remedy="use 1")
        self.count = count

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) to those of the run, and ``cycles``, how many it has; 0 where none is found.

        Raises:
            ConfigError: The sequence's up axis is not known.
        """
        positions, skeleton = results["positions"], results["skeleton"]
        up = known(results, "up", "WholeCycles", "give every record its 'up', or take WholeCycles out of the pipeline")
        starts = find_cycles(positions, skeleton, up).starts
        count = min(self.count, len(starts) - 1)
        if count < 1:
            return results | {"cycles": 0}
        first = 0
        if count < len(starts) - 1:
            poses = positions[starts] - positions[starts][:, list(skeleton.centre)].mean(axis=1, keepdims=True)
            first = int(np.linalg.norm(poses[count:] - poses[:-count], axis=-1).mean(axis=-1).argmin())
        return results | {"positions": positions[starts[first] : starts[first + count]], "cycles": count}

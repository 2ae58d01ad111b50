"""Kinematic features of a walk, taken before it is brought to the length of the network's input."""

from __future__ import annotations

import math
from typing import Any

from mmcv.transforms import BaseTransform

from mmgaitemo.datasets.pipelines.recording import known
from mmgaitemo.datasets.pipelines.space import AlignHeading, BodyScale, CentreRoot
from mmgaitemo.errors import ConfigError
from mmgaitemo.kinematics import walk_kinematics
from mmgaitemo.motion.cycles import find_cycles
from mmgaitemo.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Kinematics(BaseTransform):
    """Add ``kinematics``, the features of ``mmgaitemo.kinematics``; the positions go on as they are.

    It centres, scales and turns a copy of its own. Belongs behind ``ResampleRate``, ``Upright`` and ``WholeCycles``
    and before ``TileCyclic`` or ``Resample``: a cycle repeated and cut is none. A walk that did not go through
    ``WholeCycles`` is one cycle, unless it shows that it comes again.

    Args:
        rate: Frames per second of walks that do not say theirs, as E-Gait's (about 30); None: they have to.
        heading: How to align the heading, see ``AlignHeading``; None where a step before has done it.
    """

    def __init__(self, rate: float | None = None, heading: str | None = "hips") -> None:
        if rate is not None and (
            not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 < rate < math.inf
        ):
            raise ConfigError("Kinematics.rate", "is no frame rate", found=repr(rate), remedy="use 30, or None")
        self.rate = rate
        turn = [] if heading is None else [AlignHeading(heading)]
        self._frame: list[BaseTransform] = [*turn, CentreRoot(), BodyScale()]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``kinematics`` (D,) float64.

        Raises:
            ConfigError: The rate is not known, the layout's up axis is not up, or the layout lacks a joint.
            DataError: The walk cannot be scaled or turned.
        """
        skeleton, positions = results["skeleton"], results["positions"]
        up = "xyz"[skeleton.up]
        if results.get("up", up) != up:
            raise ConfigError(
                f"sample {results['id']!r}",
                f"Kinematics needs {up} up, the up axis of layout {skeleton.name!r}",
                found=results["up"],
                remedy="put dict(type='Upright') before it",
            )
        remedy = "state it (rate= in the archive or beside features=), or give Kinematics(rate=...)"
        rate = known(results | {"rate": results.get("rate") or self.rate}, "rate", "Kinematics", remedy)
        if results.get("cycles"):
            cycle = len(positions) / results["cycles"]
        else:
            cycle = find_cycles(positions, skeleton, up).period or float(len(positions))
        framed = results
        for step in self._frame:
            framed = step.transform(framed)
        return results | {"kinematics": walk_kinematics(framed["positions"], skeleton, rate, cycle)}

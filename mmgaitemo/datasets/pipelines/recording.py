"""Take out how a sequence was recorded: missing joints, frame rate, axes, unit."""

from __future__ import annotations

import math
from typing import Any

from mmcv.transforms import BaseTransform

from mmgaitemo.archive import UNITS, UP_AXES
from mmgaitemo.errors import ConfigError
from mmgaitemo.motion.axes import upright
from mmgaitemo.motion.gaps import repair_gaps
from mmgaitemo.motion.resampling import resample_rate
from mmgaitemo.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RepairGaps(BaseTransform):
    """Fill short gaps joint by joint, and cut incomplete frames off at both ends.

    Converters do this already, and archives have no gaps: it is for data sets of your own that mark missing joints by
    NaN. Belongs before every other step.

    Args:
        max_gap: Longest gap to fill, and most frames to cut off at either end.
    """

    def __init__(self, max_gap: int) -> None:
        if not isinstance(max_gap, int) or isinstance(max_gap, bool) or max_gap < 0:
            raise ConfigError("RepairGaps.max_gap", "is no number of frames", found=repr(max_gap), remedy="use 10")
        self.max_gap = max_gap

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3), NaN where a joint is missing, to (T', V, 3) without NaN.

        Raises:
            DataError: A gap is longer, or fewer than two frames are left.
        """
        repaired = repair_gaps(results["positions"], self.max_gap, f"sample {results['id']!r}")
        return results | {"positions": repaired.positions}


@TRANSFORMS.register_module()
class ResampleRate(BaseTransform):
    """Bring the movement to a common frame rate, without aliasing and without lag; cadence and duration stay.

    Args:
        rate: Frames per second wanted.
    """

    def __init__(self, rate: float) -> None:
        if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 < rate < math.inf:
            raise ConfigError("ResampleRate.rate", "is no frame rate", found=repr(rate), remedy="use 30")
        self.rate = float(rate)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) at ``rate`` to (T', V, 3) at the rate wanted, and ``rate``.

        Raises:
            ConfigError: The sequence's rate is not known.
            DataError: The two rates are further apart than a factor of 100.
        """
        remedy = "state it (rate= in the archive or beside features=), or take ResampleRate out of the pipeline"
        old = known(results, "rate", "ResampleRate", remedy)
        return results | {"positions": resample_rate(results["positions"], old, self.rate), "rate": self.rate}


@TRANSFORMS.register_module()
class Upright(BaseTransform):
    """Turn the sequence so that what points up lies on the layout's up axis."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) with ``up`` up to (T, V, 3) with the layout's axis up, and ``up``.

        Raises:
            ConfigError: The sequence's up axis is not known, or is none.
        """
        up = known(results, "up", "Upright", "give every record its 'up', or take Upright out of the pipeline")
        if up not in UP_AXES:
            raise ConfigError(_sample(results), "'up' is no axis", found=repr(up), remedy=f"use one of {UP_AXES}")
        skeleton = results["skeleton"]
        return results | {"positions": upright(results["positions"], up, skeleton), "up": "xyz"[skeleton.up]}


@TRANSFORMS.register_module()
class ToMetres(BaseTransform):
    """Convert lengths to metres. Needed only where size is to stay: ``BodyScale`` takes any unit out."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) in ``unit`` to metres, and ``unit``.

        Raises:
            ConfigError: The unit is not known, or has no length in metres (pixels, heights of the body).
        """
        unit = known(results, "unit", "ToMetres", "give every record its 'unit', or take ToMetres out of the pipeline")
        metres = UNITS.get(unit)
        if metres is None:
            raise ConfigError(
                _sample(results),
                "ToMetres cannot know how long this unit is",
                found=repr(unit),
                remedy="use BodyScale instead; ToMetres belongs before it",
            )
        return results | {"positions": results["positions"] * metres, "unit": "m"}


def known(results: dict[str, Any], key: str, step: str, remedy: str) -> Any:
    """What a sequence says about its recording.

    Raises:
        ConfigError: It says nothing.
    """
    value = results.get(key)
    if value is None:
        raise ConfigError(_sample(results), f"{step} needs the sequence's {key}, and it is not known", remedy=remedy)
    return value


def _sample(results: dict[str, Any]) -> str:
    return f"sample {results['id']!r}"

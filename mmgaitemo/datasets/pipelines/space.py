"""Take place, size and heading out of a sequence, so that only the way of moving is left."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.registry import TRANSFORMS

# Lengths below this part of the body's extent are rounding noise, not anatomy.
_NEGLIGIBLE = 1e-3
# A way below this part of the body's extent, some 40 cm, is sway or a drifting sensor.
_LEAST_TRAVEL = 0.5


def _centre(results: dict[str, Any]) -> np.ndarray:
    """(T, 3) centre of the body in each frame."""
    centre = results["skeleton"].centre
    return (
        results["positions"][:, centre[0]] if len(centre) == 1 else results["positions"][:, list(centre)].mean(axis=1)
    )


def _extent(results: dict[str, Any]) -> float:
    """Largest distance of any joint from the centre of its frame, along one axis, over some frames: a rough measure."""
    some = slice(None, None, max(len(results["positions"]) // 16, 1))
    return float(np.abs(results["positions"][some] - _centre(results)[some, None]).max(initial=0.0))


@TRANSFORMS.register_module()
class CentreRoot(BaseTransform):
    """Put the mean of the layout's centre joints at the origin in every frame.

    Shear and jitter act about the origin: only then do they change the pose and not the place.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) relative to the centre, unit unchanged."""
        return results | {"positions": results["positions"] - _centre(results)[:, None]}


@TRANSFORMS.register_module()
class BodyScale(BaseTransform):
    """Divide by the mean over the frames of the distance from centre to neck: tall and small, metre and inch agree."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) in trunk lengths, and ``unit``, which is now the body.

        Raises:
            DataError: The trunk has no length.
        """
        neck = results["positions"][:, list(results["skeleton"].neck)].mean(axis=1)
        trunk = float(np.linalg.norm(neck - _centre(results), axis=-1).mean())
        if not trunk > _NEGLIGIBLE * _extent(results):
            raise DataError(
                f"sample {results['id']!r}",
                "BodyScale cannot scale by the trunk: centre and neck coincide",
                found=f"mean distance {trunk:.3g}",
                remedy=f"check that the joints are in the order of layout {results['skeleton'].name!r}",
            )
        return results | {"positions": results["positions"] / trunk, "unit": "body"}


@TRANSFORMS.register_module()
class AlignHeading(BaseTransform):
    """Turn the whole sequence about the vertical so that the body's left is the negative lateral axis (E-Gait: -x).

    One angle per sequence, so the sway of the hips, and any curve of the walk, stays. The turn is about the origin.

    Args:
        by: ``hips``: left is where the left hip is, seen from the right one, on the mean over the frames. ``travel``:
            the body faces the way it goes, which needs a walk that leaves its place, and a step before ``CentreRoot``.
            Prefer it for Kinect: that turns the hips it sees from aside towards itself (by 10 degrees in the
            pathological-gait set, so that the hips tell which of the cameras looked), and is known to take left for
            right when a person walks away.
    """

    def __init__(self, by: str = "hips") -> None:
        if by not in ("hips", "travel"):
            raise ConfigError("AlignHeading.by", "no such heading", found=repr(by), remedy="use 'hips' or 'travel'")
        self.by = by

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) with a common heading.

        Raises:
            DataError: The hips coincide seen from above, or their directions cancel over time; or the walk stays where
                it is.
            ConfigError: The sequence is two-dimensional.
        """
        skeleton, positions = results["skeleton"], results["positions"]
        plane = [skeleton.lateral, skeleton.forward]
        flat = [axis for axis in plane if not np.ptp(positions[0, :, axis]) and not np.ptp(positions[..., axis])]
        if len(flat) == 1:
            raise ConfigError(
                f"sample {results['id']!r}",
                "AlignHeading finds no heading in a picture: the keypoints have two dimensions",
                remedy="take it out of the pipeline (heading=None)",
            )
        lateral, forward = _left_by_hips(results) if self.by == "hips" else _left_by_travel(results)
        width = float(np.hypot(lateral, forward))
        cos, sin = -lateral / width, forward / width
        turned = positions.copy()
        turned[..., plane] = positions[..., plane] @ np.array([[cos, sin], [-sin, cos]])
        return results | {"positions": turned}


def _left_by_hips(results: dict[str, Any]) -> np.ndarray:
    """(2,) what points to the left of the body, along the lateral and the forward axis: from right to left hip.

    Raises:
        DataError: It has no length.
    """
    skeleton, positions = results["skeleton"], results["positions"]
    left, right = skeleton.hips
    hips = (positions[:, left] - positions[:, right]).mean(axis=0)[[skeleton.lateral, skeleton.forward]]
    width = float(np.hypot(*hips))
    if not width > _NEGLIGIBLE * _extent(results):
        raise DataError(
            f"sample {results['id']!r}",
            "AlignHeading finds no heading: seen from above the hips coincide, or the walk turns full circle",
            found=f"mean hip vector {width:.3g} long",
            remedy=f"check up axis and joint order against layout {skeleton.name!r}, or cut the turn off",
        )
    return hips


def _left_by_travel(results: dict[str, Any]) -> np.ndarray:
    """(2,) as ``_left_by_hips``: across the straight line that fits the way of the centre best.

    Raises:
        DataError: The way is too short for a direction.
    """
    skeleton, centre = results["skeleton"], _centre(results)
    time = np.arange(len(centre)) - (len(centre) - 1) / 2
    # Least squares, so that sway and noise of the ends count little. 0.5 is the sum of squares of two frames.
    way = (len(centre) - 1) * (time @ centre) / max(time @ time, 0.5)
    left = skeleton.handedness * np.array([way[skeleton.forward], -way[skeleton.lateral]])
    length, body = float(np.hypot(*left)), _extent(results)
    if not length > _LEAST_TRAVEL * body:
        raise DataError(
            f"sample {results['id']!r}",
            "AlignHeading by travel finds no way: the walk stays on the spot, comes back, or went through CentreRoot",
            found=f"{length:.3g} gone, {body:.3g} from the body's centre to its end",
            remedy="put AlignHeading before CentreRoot; for walks on the spot or a treadmill use by='hips'",
        )
    return left

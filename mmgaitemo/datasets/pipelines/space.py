"""Take place, size and heading out of a sequence, so that only the way of moving is left."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmgaitemo.errors import DataError
from mmgaitemo.registry import TRANSFORMS

# Lengths below this part of the body's extent are rounding noise, not anatomy.
_NEGLIGIBLE = 1e-3


def _centre(results: dict[str, Any]) -> np.ndarray:
    """(T, 3) centre of the body in each frame."""
    return results["positions"][:, list(results["skeleton"].centre)].mean(axis=1)


def _extent(results: dict[str, Any]) -> float:
    """Largest distance of any joint from the centre of its frame."""
    offsets = results["positions"] - _centre(results)[:, None]
    return float(np.linalg.norm(offsets, axis=-1).max(initial=0.0))


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
        """``positions`` (T, V, 3) in trunk lengths.

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
        return results | {"positions": results["positions"] / trunk}


@TRANSFORMS.register_module()
class AlignHeading(BaseTransform):
    """Turn the whole sequence about the vertical so that the left hip is on the negative lateral axis (E-Gait: -x).

    One angle per sequence, from the mean over the frames of left hip minus right hip: the sway of the hips stays.
    Turns about the origin, so it belongs behind ``CentreRoot``.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3) with a common heading.

        Raises:
            DataError: The hips coincide seen from above, or their directions cancel over time.
        """
        skeleton, positions = results["skeleton"], results["positions"]
        left, right = skeleton.hips
        plane = [skeleton.lateral, skeleton.forward]
        lateral, forward = (positions[:, left] - positions[:, right]).mean(axis=0)[plane]
        width = float(np.hypot(lateral, forward))
        if not width > _NEGLIGIBLE * _extent(results):
            raise DataError(
                f"sample {results['id']!r}",
                "AlignHeading finds no heading: seen from above the hips coincide, or the walk turns full circle",
                found=f"mean hip vector {width:.3g} long",
                remedy=f"check up axis and joint order against layout {skeleton.name!r}, or cut the turn off",
            )
        cos, sin = -lateral / width, forward / width
        turned = positions.copy()
        turned[..., plane] = positions[..., plane] @ np.array([[cos, sin], [-sin, cos]])
        return results | {"positions": turned}

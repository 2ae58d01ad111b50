"""Which way is up."""

from __future__ import annotations

import numpy as np

from mmgaitemo.skeleton import Skeleton


def upright(positions: np.ndarray, up: str, skeleton: Skeleton) -> np.ndarray:
    """Turn positions so that what points up lies on the layout's up axis.

    Always a turn, never a mirror, so left stays left: a quarter turn about the third axis, or half a turn about the
    lateral axis where up was down. Coordinates are moved and negated, so no digit is lost.

    Args:
        positions: (..., 3) in any unit.
        up: The axis that points up now, one of ``mmgaitemo.archive.UP_AXES``.
        skeleton: The layout; its ``up`` is the axis wanted.

    Returns:
        (..., 3), a new array, or ``positions`` itself where nothing is to be turned.
    """
    source, sign = "xyz".index(up[-1]), -1.0 if up[0] == "-" else 1.0
    if source == skeleton.up and sign > 0:
        return positions
    turned = positions.copy()
    if source == skeleton.up:
        turned[..., [skeleton.up, skeleton.forward]] *= -1.0
    else:
        # In the plane of the two axes (a, b) -> (-b, a) or (b, -a) is a quarter turn.
        turned[..., skeleton.up] = sign * positions[..., source]
        turned[..., source] = -sign * positions[..., skeleton.up]
    return turned

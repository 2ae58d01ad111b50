"""Where the knees say that a body faces."""

from __future__ import annotations

import numpy as np

from mmgaitemo.skeleton import Skeleton

HIPS_APART = 0.05  # trunks seen from above, below which hips tell no direction; adult hip joints are about 0.3 apart


def ahead_of_hips(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T, 3) where the hips say that the body faces, left x up; as long as the hips of ``positions`` are apart."""
    left, right = skeleton.hips
    return np.cross(positions[:, left] - positions[:, right], np.eye(3)[skeleton.up])


def knees_ahead(positions: np.ndarray, skeleton: Skeleton) -> float:
    """How far the knees are in front of the lines from hip to ankle.

    In front is where the hips say that the body faces, left x up. Knees bend forwards and never backwards (in walking 0
    to 65 degrees; Winter, Biomechanics and Motor Control of Human Movement, 4th ed. 2009): a clearly negative value
    means that left and right are exchanged, or the coordinates a mirror image.

    Args:
        positions: (T, V, 3), finite, three-dimensional, the layout's up axis up.
        skeleton: The layout.

    Returns:
        The mean over both legs and all frames, in trunk lengths (centre to neck).
    """
    centre = positions[:, list(skeleton.centre)].mean(axis=1)
    neck = positions[:, list(skeleton.neck)].mean(axis=1)
    trunk = max(float(np.median(np.linalg.norm(neck - centre, axis=-1))), np.finfo(float).tiny)
    facing = ahead_of_hips(positions, skeleton)
    facing /= np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), HIPS_APART * trunk)
    offsets = []
    for hip, ankle in zip(skeleton.hips, skeleton.ankles, strict=True):
        thigh, leg = (positions[:, joint] - positions[:, hip] for joint in (skeleton.parents[ankle], ankle))
        share = np.sum(thigh * leg, axis=-1) / np.maximum(np.sum(leg**2, axis=-1), np.finfo(float).tiny)
        offset = np.sum((thigh - share[:, None] * leg) * facing, axis=-1)
        offsets.append(np.clip(offset, -trunk, trunk))  # a joint that flew off for a frame has one vote
    return float(np.mean(offsets)) / trunk

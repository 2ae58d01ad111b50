"""The features of one walk."""

from __future__ import annotations

import numpy as np

from mmgaitemo.kinematics import series
from mmgaitemo.kinematics.landmarks import POINTS, body_points
from mmgaitemo.kinematics.series import AHEAD, AT, LEFT, SIDES
from mmgaitemo.kinematics.table import MOVING, PLACED
from mmgaitemo.skeleton import Skeleton

_PLACED = [POINTS.index(name) for name in PLACED]
_OUT = np.array([[-1.0 if name.startswith("right_") else 1.0, 1.0, 1.0] for name in PLACED])
_MOVING = [POINTS.index(name) for name in MOVING]
_HANDS, _FEET = ([AT[f"{side}_{name}"] for side in SIDES] for name in ("hand", "foot"))
_LIMBS = {"arms": ("elbow", "hand"), "legs": ("knee", "foot")}
_STILL = 1e-3  # trunk lengths; what moves less is noise: 0.5 mm


def walk_kinematics(positions: np.ndarray, skeleton: Skeleton, rate: float, cycle: float) -> np.ndarray:
    """The features of one walk.

    The walk is taken to be periodic, its last frame to lead back to the first, as a gait cycle does: where it starts
    does not matter.

    Args:
        positions: (T, V, 3), at least two frames: centred, in trunk lengths, of aligned heading and upright.
        skeleton: The layout.
        rate: Frames per second.
        cycle: Frames of a gait cycle, with fractions.

    Returns:
        (D,) float64 in the order of ``NAMES``.
    """
    points = body_points(positions, skeleton)
    whole = np.concatenate([points, np.zeros((len(points), 1, 3))], axis=1)  # with the centre
    angle, length, area = series.angles(whole), series.lengths(whole), series.areas(whole)
    volume = length[:, -4:-1].prod(axis=1, keepdims=True)
    sizes = np.concatenate([length, area, volume], axis=1)
    placed = points[:, _PLACED] * _OUT
    return np.concatenate(
        [
            _gait(points, rate, cycle),
            angle.mean(axis=0),
            np.ptp(angle, axis=0),
            angle.std(axis=0),
            sizes.mean(axis=0),
            np.ptp(sizes, axis=0),
            placed.mean(axis=0).ravel(),
            placed.std(axis=0).ravel(),
            _movement(points[:, _MOVING], rate, cycle),
        ]
    )


def _gait(points: np.ndarray, rate: float, cycle: float) -> np.ndarray:
    """(19,) time, steps, symmetry and coordination."""
    seconds = cycle / rate
    hands, feet = points[:, _HANDS], points[:, _FEET]
    arm_swing, steps = np.ptp(hands[..., AHEAD], axis=0), np.ptp(feet[..., AHEAD], axis=0)
    lead = feet[:, 0, AHEAD] - feet[:, 1, AHEAD]
    swinging = np.mean(_difference(feet[..., AHEAD]) > 0, axis=0)
    stride = steps.sum()
    correlation = _correlation(np.concatenate([hands[..., AHEAD], feet[..., AHEAD]], axis=1))
    left = (arm_swing[0], lead.max(), swinging[0], correlation[0, 3])
    right = (arm_swing[1], -lead.min(), swinging[1], correlation[1, 2])
    return np.array(
        [
            np.log(seconds),
            2 / seconds,
            stride,
            stride / seconds,
            (feet[:, 0, LEFT] - feet[:, 1, LEFT]).mean(),
            (arm_swing[0] - arm_swing[1]) / (arm_swing.sum() + _STILL),
            (steps[0] - steps[1]) / (stride + _STILL),
            *(_unlike(points, limbs, cycle) for limbs in _LIMBS.values()),
            correlation[0, 1],
            correlation[2, 3],
            *left,
            *right,
        ]
    )


def _unlike(points: np.ndarray, limbs: tuple[str, ...], cycle: float) -> float:
    """Mean distance of the left limbs from the mirror image of the right ones half a cycle later."""
    left, right = (points[:, [AT[f"{side}_{name}"] for name in limbs]] for side in SIDES)
    mirrored = right * (-1.0, 1.0, 1.0)
    later = cycle / 2
    whole, part = int(later), later % 1
    half_later = (1 - part) * np.roll(mirrored, -whole, axis=0) + part * np.roll(mirrored, -whole - 1, axis=0)
    return float(np.sqrt(((left - half_later) ** 2).sum(axis=-1)).mean())


def _movement(points: np.ndarray, rate: float, cycle: float) -> np.ndarray:
    """(7 P,) mean and largest speed, acceleration and jerk of points (T, P, 3), then how rough they move."""
    derivative, sizes = points, []
    for _ in range(3):
        derivative = _difference(derivative) * rate
        sizes.append((derivative**2).sum(axis=-1))
    amounts = [np.sqrt(size) for size in sizes]
    seconds, floor = cycle / rate, _STILL**2
    rough = np.log((sizes[2].mean(axis=0) * seconds**6 + floor) / (sizes[0].mean(axis=0) * seconds**2 + floor))
    pairs = [np.concatenate([amount.mean(axis=0), amount.max(axis=0)]) for amount in amounts]
    return np.concatenate([*pairs, rough])


def _difference(values: np.ndarray) -> np.ndarray:
    """The next frame minus this one; behind the last frame comes the first."""
    return np.concatenate([values[1:], values[:1]]) - values


def _correlation(values: np.ndarray) -> np.ndarray:
    """(S, S) Pearson correlation of series (T, S); 0 for one that stands still."""
    centred = values - values.mean(axis=0)
    deviation = np.sqrt((centred**2).mean(axis=0))
    return centred.T @ centred / len(values) / (np.outer(deviation, deviation) + _STILL**2)

"""Finding the gait cycles of a walk, from the feet alone: no ground, no travel, no frame rate, no unit is needed.

The signal is how far the left ankle is ahead of the right one. It swings once a stride, however unlike the two steps
are, whereas heights and speeds swing once a step and make a limp look like two gaits. Its autocorrelation gives the
period; the instants at which one foot passes the other, where the signal is steepest, give the boundaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from mmgaitemo.motion.axes import upright
from mmgaitemo.skeleton import Skeleton

# At the lowest regularity, 2 % of noise that sways as wide as a walk passes for one; of Kinect walks 1.6 % are refused.
LEAST_REGULARITY = 0.6
LEAST_SWING = 0.05  # root mean square of the signal in leg lengths: steps of some 6 cm; who stands sways less
_SHORTEST = 6  # frames of a stride: fewer cannot be told from noise
SEEN_TWICE = 0.5  # part of a cycle that has to come again
_CLEAR = 0.7  # the period is the first peak that reaches so much of the highest one
_TOLERANCE = 0.15  # of a period, by which a cycle may be longer or shorter: nine in ten differ by less than 0.07


@dataclass(frozen=True)
class GaitCycles:
    """Whole gait cycles (strides, two steps each) of a walk, one after the other.

    Args:
        starts: (K + 1,) int64: the first frame of each cycle, then the frame behind the last; empty where none.
        period: Frames of a cycle, with fractions; 0 where none is found.
        regularity: Likeness of a cycle and the next, 0 to 1: the normalised autocorrelation at the period.
    """

    starts: np.ndarray
    period: float
    regularity: float


_NONE = GaitCycles(np.zeros(0, dtype=np.int64), 0.0, 0.0)


def find_cycles(positions: np.ndarray, skeleton: Skeleton, up: str) -> GaitCycles:
    """The gait cycles of a walk.

    None are found where the walk is shorter than one and a half cycles (a single cycle has nothing to be compared
    with), where the feet hardly move against each other, or where what they do does not come again.

    Args:
        positions: (T, V, 3), finite, in any unit.
        skeleton: The layout.
        up: The axis that points up, one of ``mmgaitemo.archive.UP_AXES``.
    """
    if len(positions) < (1 + SEEN_TWICE) * _SHORTEST:
        return _NONE
    swing = foot_swing(positions, skeleton, up)
    if not np.sqrt(swing @ swing / len(swing)) > LEAST_SWING * leg_length(positions, skeleton):
        return _NONE
    period, regularity = find_period(autocorrelation(swing))
    if regularity < LEAST_REGULARITY:
        return _NONE
    starts = _boundaries(swing, period)
    return GaitCycles(starts, period, regularity) if len(starts) else _NONE


def leg_length(positions: np.ndarray, skeleton: Skeleton) -> float:
    """Mean distance from hip to ankle over both legs and some frames of ``positions`` (T, V, 3): a rough measure."""
    some = positions[:: max(len(positions) // 16, 1)]
    return float(np.linalg.norm(some[:, list(skeleton.hips)] - some[:, list(skeleton.ankles)], axis=-1).mean())


def foot_swing(positions: np.ndarray, skeleton: Skeleton, up: str) -> np.ndarray:
    """How the feet swing against each other.

    The direction is the one in which they move most, seen from the hips, so that a walk may turn. That is ahead; up
    where a person steps on the spot or was filmed from the front; and along x in an image taken from the side.

    Args:
        positions: (T, V, 3), finite.
        skeleton: The layout.
        up: The axis that points up.

    Returns:
        (T,) how far the left ankle is beyond the right one in that direction, about its mean, in the positions' unit.
    """
    joints = [*skeleton.ankles, *skeleton.hips]
    points = upright(np.asarray(positions, dtype=np.float64)[:, joints], up, skeleton)
    apart, hips = points[:, 0] - points[:, 1], points[:, 3] - points[:, 2]
    lateral, forward = skeleton.lateral, skeleton.forward
    if np.ptp(points[..., lateral]) and np.ptp(points[..., forward]):  # in an image the hips show no heading
        x, y, across, ahead = apart[:, lateral].copy(), apart[:, forward].copy(), hips[:, lateral], hips[:, forward]
        width = np.maximum(np.hypot(across, ahead), np.finfo(float).tiny)
        cos, sin = across / width, ahead / width
        apart[:, lateral], apart[:, forward] = cos * x + sin * y, cos * y - sin * x
    apart -= apart.sum(axis=0) / len(apart)
    direction = np.linalg.eigh(apart.T @ apart)[1][:, -1]  # or its opposite
    components = direction.tolist()
    components[forward] *= -skeleton.handedness  # where a body faces
    return apart @ (direction if max(components, key=abs) > 0 else -direction)


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Likeness of a signal to itself some frames later.

    Args:
        signal: (T,), not all zero.

    Returns:
        (T,) entry k is the correlation of the frames that have one k frames later with those, -1 to 1.
    """
    frames = len(signal)
    length = next_fast_len(2 * frames, real=True)  # with as many zeros, so that the end does not meet the start
    spectrum = rfft(signal, length)
    products = irfft(spectrum.real**2 + spectrum.imag**2, length)[:frames]
    energy = np.concatenate([[0.0], np.cumsum(signal**2)])
    early, late = energy[:0:-1], energy[-1] - energy[:-1]
    return products / np.maximum(np.sqrt(early * late), 1e-12 * energy[-1])


def find_period(likeness: np.ndarray) -> tuple[float, float]:
    """The first clear peak of an autocorrelation, from the parabola through it and its neighbours.

    Which peak is the first clear one is decided as in McLeod & Wyvill (2005), "A smarter way to find pitch", Proc.
    International Computer Music Conference: the highest point of each positive lobe is a candidate.

    Args:
        likeness: (T,) of ``autocorrelation``.

    Returns:
        Period in frames and likeness there, 0 to 1; two zeros without a peak.
    """
    positive = likeness[: int(len(likeness) / (1 + SEEN_TWICE))] > 0
    edges = [*(np.flatnonzero(np.diff(positive)) + 1).tolist(), len(positive)]  # the first lobe is that of lag 0
    lobes = [slice(start, stop) for start, stop in pairwise(edges) if positive[start]]
    peaks = np.array([lobe.start + likeness[lobe].argmax() for lobe in lobes], dtype=np.int64)
    # A lobe that the end cuts off may still be rising there.
    peaks = peaks[(peaks >= _SHORTEST) & (likeness[peaks] >= likeness[peaks + 1])]
    if not len(peaks):
        return 0.0, 0.0
    peak = int(peaks[likeness[peaks] >= _CLEAR * likeness[peaks].max()][0])
    before, at, after = (float(value) for value in likeness[peak - 1 : peak + 2])
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return peak + shift, min(at - 0.25 * (before - after) * shift, 1.0)


def _boundaries(swing: np.ndarray, period: float) -> np.ndarray:
    """(K + 1,) frames at which one foot passes the other, a period apart: the longest unbroken run of them."""
    # A Hann window a third of a period wide: noise must not make the feet pass twice.
    width = max(round(period / 6), 1)
    around = _continued(swing, width - 1)
    smooth = np.convolve(around, _window(width), mode="valid")
    runs = [_longest_run(_rises(way), period) for way in (smooth, -smooth)]
    return np.round(max(runs, key=len)).astype(np.int64)  # the left foot passes, unless the right one gives more


@cache
def _window(width: int) -> np.ndarray:
    window = np.hanning(2 * width + 1)[1:-1]
    return window / window.sum()


def _continued(signal: np.ndarray, by: int) -> np.ndarray:
    """The signal, continued at both ends by its point reflection; ``numpy.pad`` does the same in ten times the time."""
    if by >= len(signal):
        return np.pad(signal, by, mode="reflect", reflect_type="odd")
    before, after = 2 * signal[0] - signal[by:0:-1], 2 * signal[-1] - signal[-2 : -2 - by : -1]
    return np.concatenate([before, signal, after])


def _rises(signal: np.ndarray) -> np.ndarray:
    """Instants, in frames, at which the signal goes from negative to positive."""
    negative = signal < 0
    before = (negative[:-1] & ~negative[1:]).nonzero()[0]
    return before + signal[before] / (signal[before] - signal[before + 1])


def _longest_run(instants: np.ndarray, period: float) -> np.ndarray:
    """The longest run of neighbours that are a period apart; empty where no two are."""
    moments = instants.tolist()
    breaks = [k for k in range(1, len(moments)) if abs(moments[k] - moments[k - 1] - period) > _TOLERANCE * period]
    start, stop = max(pairwise([0, *breaks, len(moments)]), key=lambda run: run[1] - run[0])
    return instants[start:stop] if stop - start > 1 else instants[:0]

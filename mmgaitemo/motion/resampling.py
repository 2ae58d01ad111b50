"""Changing the frame rate without aliasing and without lag."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from mmgaitemo.errors import DataError

# Frame times are often rounded (0.0333 s): a rate that is so close to a whole number, or to another rate, is it.
# 29.97 Hz and 30 Hz are further apart.
SAME_RATE = 9e-4
_HALF = 16  # half width of the filter, in frames of the slower rate
_BETA = 7.86  # of the Kaiser window: 80 dB (Oppenheim & Schafer, Discrete-Time Signal Processing, 7.5.3)
# Cut-off as a part of the new Nyquist frequency: with this window the stop band begins there. Fast gait has next to
# nothing above 6 Hz (Winter, Biomechanics and Motor Control of Human Movement, 2.2), far inside at 30 Hz.
_CUTOFF = 0.85
_LARGEST_FACTOR = 100.0


def whole_rate(rate: float) -> float:
    """The whole number that a rate is but for the rounding of its frame times, else the rate."""
    return float(round(rate)) if abs(rate / max(round(rate), 1) - 1) < SAME_RATE else rate


def resample_rate(values: np.ndarray, old: float, new: float, where: str = "frame rate") -> np.ndarray:
    """The same movement at another frame rate.

    A windowed sinc, evaluated at the instants of the new frames, so that any two rates go together, 29.97 and 120 too.
    It is symmetric: nothing is delayed. When the rate falls it is also the low-pass filter that keeps faster movement
    from coming back as slow one; when it rises, old frames that fall on new ones stay as they are. Beyond both ends the
    movement is continued by its point reflection, which keeps speed and end point.

    Args:
        values: (T, ...) float, finite; T at least 1.
        old: Frames per second of ``values``.
        new: Frames per second wanted.
        where: The recording, for the message.

    Returns:
        (T', ...) float64. Frame k is the instant k / ``new``; T' is as many frames as lie within the recording. Equal
        rates give ``values`` back.

    Raises:
        DataError: A rate is not positive, or they are further apart than a factor of 100.
    """
    if not (0 < old < np.inf and 0 < new < np.inf and 1 / _LARGEST_FACTOR <= new / old <= _LARGEST_FACTOR):
        raise DataError(
            where,
            f"cannot go from {old:g} to {new:g} frames per second",
            remedy="check the rate of the recording; two rates may differ by a factor of 100",
        )
    values = np.asarray(values, dtype=np.float64)
    if old == new:
        return values
    frames = len(values)
    # The tiny addition: an instant that misses the last frame by rounding alone is the last frame.
    time = np.arange(int((frames - 1) * new / old + 1e-6) + 1) * (old / new)
    cutoff = 1.0 if new > old else _CUTOFF * new / old
    half = _HALF * max(old / new, 1.0)
    reach = int(np.ceil(half))
    taps = np.floor(time).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
    offset = time[:, None] - taps
    inside = np.clip(1 - (offset / half) ** 2, 0, None)
    weights = np.sinc(cutoff * offset) * np.i0(_BETA * np.sqrt(inside)) * (inside > 0)
    weights /= weights.sum(axis=1, keepdims=True)
    padded = np.pad(values.reshape(frames, -1), ((reach, reach + 2), (0, 0)), mode="reflect", reflect_type="odd")
    rows = np.arange(len(time) + 1) * taps.shape[1]
    matrix = csr_array((weights.ravel(), (taps + reach).ravel(), rows), shape=(len(time), len(padded)))
    return (matrix @ padded).reshape(len(time), *values.shape[1:])

"""How alike two walks are, whatever their place, size, heading, start and noise."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from mmgaitemo.inspection.walk import InapplicableError, Walk

_SMOOTH = 0.25  # s: takes the noise of a sensor away and leaves the steps


def normalised(walk: Walk) -> np.ndarray:
    """(T, 3 V) float32: centred in each frame, one heading, root mean square distance from the centre 1, smoothed.

    Scaled so that the squares of a frame's differences add up to the mean over the joints.

    Raises:
        InapplicableError: The body has no size.
    """
    body = walk.positions - walk.centre[:, None]
    size = float(np.sqrt(np.mean(np.sum(body**2, axis=-1))))
    if not size > 0:
        raise InapplicableError("the body has no size")
    plane = [walk.skeleton.lateral, walk.skeleton.forward]
    left, right = walk.skeleton.hips
    lateral, forward = (body[:, left] - body[:, right]).mean(axis=0)[plane]
    width = np.hypot(lateral, forward)
    if width > 0 and not walk.planar:  # a picture has one heading already
        body[..., plane] = body[..., plane] @ (np.array([[-lateral, forward], [-forward, -lateral]]) / width)
    body = uniform_filter1d(body, min(walk.frames(_SMOOTH), len(body)), axis=0, mode="nearest")
    return (body / (size * np.sqrt(body.shape[1]))).reshape(len(body), -1).astype(np.float32)


def descriptor(path: np.ndarray) -> np.ndarray:
    """(6 V,) float32: mean and deviation over time of a ``normalised`` walk. Alike for walks that are alike."""
    return np.concatenate([path.mean(axis=0), path.std(axis=0)])


def distance(one: np.ndarray, other: np.ndarray) -> tuple[float, int]:
    """Root mean square distance of the joints of two ``normalised`` walks at the shift in time that fits best.

    Args:
        one: (T, 3 V).
        other: (T', 3 V).

    Returns:
        The distance, in root mean square body sizes (about half a metre), over the frames that overlap, at least half
        of the shorter walk; and by how many frames ``one`` starts later in ``other``.
    """
    if len(one) > len(other):
        value, lag = distance(other, one)
        return value, -lag
    length = next_fast_len(len(one) + len(other), real=True)
    spectra = (rfft(side, length, axis=0) for side in (one, other))
    correlation = irfft(np.sum(np.conj(next(spectra)) * next(spectra), axis=1), length)
    power, other_power = (np.concatenate([[0.0], np.cumsum(np.sum(side**2, axis=1))]) for side in (one, other))
    half = len(one) // 2
    lags = np.arange(-half, len(other) - len(one) + half + 1)
    start, stop = np.maximum(0, -lags), np.minimum(len(one), len(other) - lags)
    squares = power[stop] - power[start] + other_power[stop + lags] - other_power[start + lags] - 2 * correlation[lags]
    means = squares / (stop - start)
    best = int(means.argmin())
    return float(np.sqrt(max(means[best], 0.0))), int(lags[best])

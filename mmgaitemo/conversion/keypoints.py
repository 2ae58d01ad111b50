"""Keypoints of any source: which numbers are coordinates, which are scores, and which mean that nothing was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmgaitemo.errors import DataError

_LARGEST = 1e9  # as an archive holds them


def positions_and_score(
    values: np.ndarray, channels: Sequence[str], min_score: float, where: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Take coordinates and scores apart and mark what is missing.

    Missing is a joint with a NaN, a joint whose score is below ``min_score``, a joint at (0, 0) with score 0 (so COCO
    and OpenPose write what they did not see), and the whole body in a frame of zeros (so data sets pad).

    Args:
        values: (T, V, C) numbers.
        channels: Names of the C channels: x, y and maybe z, in either case; a further one is the score.
        min_score: Least score to take a joint.
        where: The recording, for messages.

    Returns:
        (T, V, 3) float64 with NaN where a joint is missing, z = 0 where there is none; and (T, V) scores or ``None``.

    Raises:
        DataError: A number is infinite or beyond 1e9.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.array(values, dtype=np.float64)
        wrong = np.argwhere(np.abs(values) > _LARGEST)
    if len(wrong):
        frame, joint, channel = wrong[0]
        raise DataError(
            where,
            "a number is infinite or beyond 1e9",
            found=f"{values[frame, joint, channel]} in frame {frame}, joint {joint}, channel {channels[channel]!r}",
            remedy="choose a larger unit, or write NaN where a joint is missing",
        )
    small = [name.lower() for name in channels]
    positions = np.zeros((*values.shape[:2], 3))
    for axis, name in enumerate("xyz"):
        if name in small:
            positions[..., axis] = values[..., small.index(name)]
    missing = np.isnan(positions).any(axis=-1) | (positions == 0).all(axis=(1, 2))[:, None]
    score = next((values[..., index] for index, name in enumerate(small) if name not in {*"xyz"}), None)
    if score is not None:
        score = np.nan_to_num(score)
        missing |= (score < min_score) | ((score == 0) & (positions == 0).all(axis=-1))
    positions[missing] = np.nan
    return positions, score

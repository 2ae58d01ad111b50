"""Cutting a long recording into walks."""

from __future__ import annotations

from mmgaitemo.motion.cycles import GaitCycles


def fixed_windows(frames: int, length: int, overlap: int) -> list[slice]:
    """Windows of one length from the first frame on; what is left at the end is not covered.

    Args:
        frames: Of the recording.
        length: Of a window, at least 1.
        overlap: Frames that a window shares with the next, 0 to ``length`` - 1.
    """
    return [slice(start, start + length) for start in range(0, frames - length + 1, length - overlap)]


def cycle_windows(cycles: GaitCycles, count: int) -> list[slice]:
    """Windows of ``count`` whole gait cycles each, one after the other; empty where too few were found.

    The last frame of a window leads back to its first: repeated, it goes on like the walk.
    """
    starts = cycles.starts.tolist()
    return [slice(starts[i], starts[i + count]) for i in range(0, len(starts) - count, count)]

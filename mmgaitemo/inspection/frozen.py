"""Does the walk stand still where no body does?

A recording that repeats a frame has lost one (or was stretched by repetition); a joint that keeps its place while the
body moves was held at its last value, or filled in.
"""

from __future__ import annotations

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.walk import Walk

_SAME = 1e-5  # trunks (5 micrometres): no sensor sees a body that often at the same place
_HOLD = 0.1  # s: one lost frame is a note, a hold of a tenth of a second hides a part of a step
_SHARE = 0.1  # of the frames
_JOINT = 1 / 3  # s that a single joint may keep its place
# A foot stands for about 60 % of a gait cycle of 1 to 1.2 s (Perry & Burnfield, Gait Analysis, 2nd ed. 2010), and
# animation software locks it there.
_FOOT = 1.5  # s


def longest_runs(still: np.ndarray) -> np.ndarray:
    """Length of the longest run of True along the first axis, (T, ...) to (...)."""
    longest = run = np.zeros(still.shape[1:], dtype=np.int64)
    for row in still:
        run = (run + 1) * row
        longest = np.maximum(longest, run)
    return longest


def held_joints(walk: Walk, still: np.ndarray) -> np.ndarray:
    """(V,) bool: joints that may be held, because they are part of a fixed root.

    Walks on a treadmill and normalised ones have a root that never moves, and perhaps a pelvis around it.

    Args:
        walk: The walk.
        still: (T - 1, V) bool, which joints did not move from one frame to the next.
    """
    fixed = np.all(still, axis=0)
    held = np.zeros(len(fixed), dtype=bool)
    held[[joint for joint in {walk.skeleton.root, *walk.skeleton.centre} if fixed[joint]]] = True
    for _ in range(len(fixed)):
        for child, parent in walk.skeleton.edges:
            if held[child] != held[parent] and fixed[child] and fixed[parent]:
                held[[child, parent]] = True
    return held


class Frozen(Check):
    """Frames that repeat, and joints that keep their place."""

    name = "frozen"
    asks = "does the body, or a joint of it, stand still?"
    measure = "frames that repeat the one before, in a row (whole body, or the named joint)"
    threshold = (
        f"problem from {_HOLD:g} s in a row or {_SHARE:.0%} of the frames, for a single joint from {_JOINT:.2g} s "
        f"(foot {_FOOT:g} s); note: a repeated frame"
    )
    remedy = "cut the frozen part off, or mark it as missing (NaN) before conversion so that short gaps are repaired"

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        still = np.linalg.norm(np.diff(walk.positions, axis=0), axis=-1) <= _SAME * walk.trunk
        whole = still.all(axis=1)
        longest, share = int(longest_runs(whole)), float(whole.mean())
        if longest >= max(walk.frames(_HOLD), 2) or share > _SHARE:
            self.problem(walk.id, longest, f"the whole body; {share:.0%} of all frames repeat")
        elif longest:
            self.note(walk.id, longest, f"the whole body; {np.count_nonzero(whole)} of {len(still) + 1} frames repeat")
        runs = longest_runs(still & ~whole[:, None])
        limits = np.full(len(runs), walk.frames(_JOINT))
        limits[[joint for side in ("left_leg", "right_leg") for joint in self._feet(walk, side)]] = walk.frames(_FOOT)
        excess = np.where(held_joints(walk, still), 0.0, runs / limits)
        if excess.max() >= 1:
            worst = int(excess.argmax())
            self.problem(walk.id, runs[worst], walk.skeleton.joints[worst], weight=runs[worst])

    @staticmethod
    def _feet(walk: Walk, part: str) -> list[int]:
        """Joints of a leg below the knee: those from the third on, counted from the hip."""
        hops = walk.skeleton.hops()[list(walk.skeleton.hips)].min(axis=0)
        return [joint for joint in walk.skeleton.parts[part] if hops[joint] >= 2]

"""Does a joint, or the whole body, jump to another place and back, or to stay there?

A single frame off the track comes from a wrong detection, a swapped person or a misread row.
"""

from __future__ import annotations

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.walk import ASSUMED_RATE, InapplicableError, Walk

# trunks (25 cm) off the line between the neighbouring frames, at 30 Hz or more. The fastest part of a walker, the foot
# in early swing, accelerates by some 50 m/s2 and leaves it by 3 cm; motion capture stays below 0.12 (running 0.27),
# synthetic walkers (jitter of 4 cm) below 0.38. At lower rates movement itself bends more between frames.
_JUMP = 0.5
# And this many times the usual frame of the same walk, so that recordings stretched or resampled in time do not count.
_UNUSUAL = 5.0


def departures(walk: Walk) -> np.ndarray:
    """(T - 2, V) distance of each joint from the middle of its places one frame before and after, in trunks."""
    positions = walk.positions
    return np.linalg.norm(positions[1:-1] - (positions[:-2] + positions[2:]) / 2, axis=-1) / walk.trunk


class Jumps(Check):
    """Speed outliers of single frames."""

    name = "jumps"
    asks = "does a joint jump from its path?"
    measure = "distance from the middle of its places one frame before and after, trunk lengths"
    threshold = f"problem above {_JUMP:g} (more below 30 Hz) and {_UNUSUAL:g} times the walk's median frame"
    remedy = "mark the frames as missing (NaN) before conversion so that they are interpolated, or leave the walk out"

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        if len(walk.positions) < 3:
            raise InapplicableError("too short")
        away = departures(walk)
        usual = float(np.median(away.max(axis=1)))
        limit = max(_JUMP * max(ASSUMED_RATE / (walk.rate or ASSUMED_RATE), 1.0), _UNUSUAL * usual)
        worst = float(away.max())
        if worst > limit:
            frame, joint = np.unravel_index(int(away.argmax()), away.shape)
            frames = np.count_nonzero((away > limit).any(axis=1))
            place = f"{walk.skeleton.joints[joint]} at frame {frame + 2}; {frames} such frame(s)"
            self.problem(walk.id, worst, place)

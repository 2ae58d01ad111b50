"""Do left and right change places inside a walk?

Trackers that look at single frames take one leg for the other when legs cross or the body turns.
"""

from __future__ import annotations

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.walk import InapplicableError, Walk

# The exchange has to explain the step twice as well as staying does, and by more than 0.2 trunks (10 cm): legs that
# pass each other closely, and joints that lie close together such as the eyes, are no exchange.
_RATIO, _MARGIN = 2.0, 0.2


def exchanges(walk: Walk) -> list[tuple[int, int]]:
    """(frame, number of the pair) at which a left joint continues where its right partner was, and the reverse.

    A pair stays if each joint is near its own last place, or near where its velocity before or after leads: legs that
    cross in a picture pass through each other. Places are relative to the body's centre.

    Raises:
        InapplicableError: The layout has no pairs, or the trunk no length.
    """
    if not walk.skeleton.pairs:
        raise InapplicableError("the layout has no left and right")
    body = (walk.positions - walk.centre[:, None]) / walk.trunk
    left, right = (body[:, list(side)] for side in zip(*walk.skeleton.pairs, strict=True))
    stays = _apart(left[1:], left[:-1], right[1:], right[:-1])
    swaps = _apart(left[1:], right[:-1], right[1:], left[:-1])
    onwards = [2 * side[1:-1] - side[:-2] for side in (left, right)]
    backwards = [2 * side[1:-1] - side[2:] for side in (left, right)]
    stays[1:] = np.minimum(stays[1:], _apart(left[2:], onwards[0], right[2:], onwards[1]))
    stays[:-1] = np.minimum(stays[:-1], _apart(left[:-2], backwards[0], right[:-2], backwards[1]))
    frames, pairs = np.nonzero((stays > _RATIO * swaps) & (stays - swaps > _MARGIN))
    return [(int(frame) + 1, int(pair)) for frame, pair in zip(frames, pairs, strict=True)]


def _apart(left: np.ndarray, left_before: np.ndarray, right: np.ndarray, right_before: np.ndarray) -> np.ndarray:
    return np.linalg.norm(left - left_before, axis=-1) + np.linalg.norm(right - right_before, axis=-1)


class Flips(Check):
    """Exchanges of left and right from one frame to the next."""

    name = "flips"
    asks = "do left and right change places in a walk?"
    measure = "exchanges (pairs of joints, frames)"
    threshold = (
        f"problem from the first: each joint's distance from its partner's last place is {_RATIO:g} times smaller than "
        f"from its own, and by over {_MARGIN:g} trunk lengths"
    )
    remedy = (
        "look at these frames (browse_dataset.py --ids ...): where only the two joints change places, exchange them "
        "back; where the whole body jumps, the track was lost, and the walk is better left out"
    )

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        if found := exchanges(walk):
            frame, pair = found[0]
            names = " and ".join(walk.skeleton.joints[joint] for joint in walk.skeleton.pairs[pair])
            self.problem(walk.id, len(found), f"first {names}, from frame {frame} to {frame + 1}")

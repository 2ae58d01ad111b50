"""Is the skeleton its own mirror image? Left and right exchanged throughout a walk.

Two kinds of mistake give the same picture: left-handed coordinates read as right-handed ones (game engines; images,
whose y runs down), and joints of the left side stored under the names of the right. The hips then say that the body
faces backwards. Legs tell on them: knees bend forwards and never backwards (in walking 0 to 65 degrees; Winter,
Biomechanics and Motor Control of Human Movement, 4th ed. 2009), and people rarely walk backwards.
"""

from __future__ import annotations

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.feet import travels
from mmgaitemo.inspection.walk import InapplicableError, Walk
from mmgaitemo.motion.knees import knees_ahead

# trunks. The mean over a walk is 0.07 to 0.43 in motion capture, E-Gait and synthetic walkers; stiff-legged walkers in
# front of a depth camera come down to zero, some to -0.02. Where the knees say nothing, the travel decides.
_KNEES = 0.03
_WINDOW = 0.2  # s over which steps are taken: noise has no direction
_BACKWARDS = -0.5  # share of the way


def knee_offset(walk: Walk) -> float:
    """How far the knees are in front of the lines from hip to ankle: trunks, mean over both legs and all frames.

    In front is where the hips say that the body faces. Negative for a mirror image.

    Raises:
        InapplicableError: The walk is two-dimensional, or its layout or hips do not allow it.
    """
    _ = walk.facing, walk.legs  # these say where nothing can be said
    return knees_ahead(walk.positions, walk.skeleton)


def heading(walk: Walk) -> float | None:
    """Share of the level way of the body's centre that leads to where the hips say that the body faces, -1 to 1.

    ``None`` where the body stays in place.
    """
    if not travels(walk):
        return None
    window = min(walk.frames(_WINDOW), len(walk.positions) - 1)
    steps = walk.centre[window:] - walk.centre[:-window]
    steps[:, walk.skeleton.up] = 0
    way = float(np.linalg.norm(steps, axis=-1).sum())
    return float(np.sum(steps * walk.facing[window:])) / max(way, np.finfo(float).tiny)


class Mirrored(Check):
    """Knees and travel against the facing that the hips give."""

    name = "mirrored"
    asks = "do knees and hips agree where the body faces?"
    measure = "knees in front of the line from hip to ankle, trunk lengths, mean over the walk"
    threshold = (
        f"problem below -{_KNEES:g}, or where the knees are straight (within {_KNEES:g}) and more than "
        f"{-_BACKWARDS:.0%} of the way leads backwards; note: bent knees, but walking backwards"
    )
    remedy = (
        "exchange the left and right joints of these walks (the step ExchangeSides does), or negate one axis if the "
        "coordinates are left-handed; then convert again"
    )

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        knees, forwards = knee_offset(walk), heading(walk)
        backwards = forwards is not None and forwards < _BACKWARDS
        way = "" if forwards is None else f"; {forwards:.0%} of the way leads forwards"
        if knees < -_KNEES:
            self.problem(walk.id, knees, f"the knees bend backwards{way}", weight=-knees)
        elif knees < _KNEES and forwards is None:
            raise InapplicableError("straight knees, and the body stays in place")
        elif knees < _KNEES and backwards:
            self.problem(walk.id, knees, f"the knees are straight{way}", weight=-knees)
        elif backwards:
            self.note(walk.id, knees, f"the knees bend forwards{way}")

"""Do the feet slide over the ground while they carry the body?

Somebody who walks always has a foot on the ground, and that foot stands: the slower ankle does not go along with the
body. It does where travel and steps do not belong together: a root scaled or filtered apart from the legs, walks
retargeted to another body, a moving camera. This needs neither a floor nor a rate. (Kovar, Schreiner & Gleicher 2002,
"Footskate cleanup for motion capture editing", Symposium on Computer Animation, describe the fault.)
"""

from __future__ import annotations

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.walk import InapplicableError, Walk

_WINDOW = 0.1  # s over which steps are taken: noise of single frames is no sliding
_TRAVEL = 1.5  # trunks: about one step
_JUMPS = 95  # percentile of the body's steps above which frames may be teleports and are left out
# The ankle of a standing foot rolls over the toes, so that a little forwards is natural: 0.05 to 0.17 in motion
# capture, 0.06 to 0.30 in 98 % of Kinect v2 walks. Travel half as long again as the steps: 0.35 to 0.5; travel half as
# long as the steps: below -0.2.
_ALONG, _AGAINST = 0.35, -0.15


def travels(walk: Walk) -> bool:
    """Whether the body leaves its place: on a treadmill, and where the root is fixed, it does not."""
    level = walk.centre - walk.centre[0]
    return bool(np.linalg.norm(np.delete(level, walk.skeleton.up, axis=1), axis=-1).max() >= _TRAVEL * walk.trunk)


def slide(walk: Walk) -> float:
    """How far the slower ankle goes along with the body, as a part of the body's way.

    The slope of its level steps over the body's: noise cancels, and frames in which the body moves count the more.

    Raises:
        InapplicableError: The walk is two-dimensional, stays in place, is too short or its layout has no legs.
    """
    walk.need_depth()
    ankles = [leg[2] for leg in walk.legs]
    if not travels(walk):
        raise InapplicableError("the body stays in place (treadmill, or the root is fixed)")
    window = walk.frames(_WINDOW)
    if len(walk.centre) <= 2 * window:
        raise InapplicableError("too short")
    tracks = np.delete(np.concatenate([walk.centre[:, None], walk.positions[:, ankles]], axis=1), walk.skeleton.up, 2)
    body, *feet = np.moveaxis(tracks[window:] - tracks[:-window], 1, 0)
    slower = np.linalg.norm(feet, axis=-1).argmin(axis=0)
    foot = np.stack(feet)[slower, np.arange(len(slower))]
    squares = np.sum(body**2, axis=-1)
    usual = squares <= (1 + 1e-6) * np.percentile(squares, _JUMPS)  # rounding must not choose between equal steps
    if not squares[usual].any():
        raise InapplicableError("the body moves in a few frames only")
    return float(np.sum(foot * body, axis=-1)[usual].sum() / squares[usual].sum())


class FootSkate(Check):
    """The standing foot against the body's travel."""

    name = "skate"
    asks = "does the standing foot stay in place?"
    measure = "way of the slower ankle along the body's, part of the body's way"
    threshold = (
        f"problem above {_ALONG:g} (the foot is dragged along) or below {_AGAINST:g} (it slips back); only walks that "
        f"travel {_TRAVEL:g} trunk lengths or more"
    )
    remedy = "scale and filter the root together with the legs, or fix the root (CentreRoot removes the travel)"

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        value = slide(walk)
        if not _AGAINST <= value <= _ALONG:
            how = "is dragged along" if value > 0 else "slips back"
            self.problem(walk.id, value, f"the standing foot {how}", weight=abs(value - (_ALONG + _AGAINST) / 2))

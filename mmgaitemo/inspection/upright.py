"""Is the walker upright? A wrong up axis lays walkers on the floor or stands them on their heads."""

from __future__ import annotations

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.walk import Walk

# Cosine of 60 degrees: even old and ill walkers bend less, and a wrong axis is 90 or 180 degrees off.
_LEAST = 0.5


class Upright(Check):
    """The mean direction of the trunk against the up axis."""

    name = "upright"
    asks = "does the trunk point up?"
    measure = "cosine between trunk and up axis, mean over the walk"
    threshold = f"problem below {_LEAST} (60 degrees): no walker leans so far, a wrong axis turns by 90 or 180"
    remedy = "name the right up axis when converting; a walk that is alone in this was recorded lying or is broken"

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        _ = walk.trunk  # inapplicable where there is none
        length = np.linalg.norm(walk.trunk_axis, axis=-1)
        cosine = float((walk.trunk_axis[:, walk.skeleton.up].sum()) / length.sum())
        if cosine < _LEAST:
            self.problem(walk.id, cosine, "the trunk does not point up", weight=-cosine)

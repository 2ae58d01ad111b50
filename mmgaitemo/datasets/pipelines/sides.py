"""Left is left: undo an exchange of the two sides of the body."""

from __future__ import annotations

from typing import Any

from mmcv.transforms import BaseTransform

from mmgaitemo.motion.knees import knees_ahead
from mmgaitemo.registry import TRANSFORMS

# Trunk lengths. In E-Gait's own part the mean over a walk is at least 0.069 on either side of zero.
_CLEAR = 0.03


@TRANSFORMS.register_module()
class ExchangeSides(BaseTransform):
    """Exchange the left and right joints of a walk whose knees bend backwards.

    The hips then say that the body faces the other way round, ``AlignHeading`` turns it to the back, and what a network
    learns of one arm it learns of the other. 122 of the 342 gaits in E-Gait's own part are so (all of the sources CMU
    and SIG, 25 of UNC_RGB, 24 of trip). Walks with straight knees stay as they are. Belongs behind ``Upright`` and
    before ``AlignHeading``.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """``positions`` (T, V, 3), and ``exchanged``, whether its sides were."""
        positions, skeleton = results["positions"], results["skeleton"]
        exchanged = knees_ahead(positions, skeleton) < -_CLEAR
        return results | {
            "positions": positions[:, list(skeleton.mirror)] if exchanged else positions,
            "exchanged": exchanged,
        }

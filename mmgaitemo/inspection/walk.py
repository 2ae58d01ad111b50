"""A walk as the checks see it: upright, with the few measures of the body that every check builds on.

Lengths are counted in *trunks*, the distance from the body's centre to its neck (about half a metre in an adult, 0.3
statures), as ``BodyScale`` does: the unit of the coordinates need not be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmgaitemo.motion.knees import HIPS_APART, ahead_of_hips
from mmgaitemo.skeleton import Skeleton

ASSUMED_RATE = 30.0  # Hz, where the rate is not known: most depth cameras, videos and gait data sets
_NEGLIGIBLE = 1e-3  # part of the body's extent below which a length is rounding noise, as in BodyScale
_FLAT = 1e-6  # part of the largest extent below which a coordinate is constant


class InapplicableError(Exception):
    """A check says nothing about this walk; the message says why. Never leaves the inspection."""


@dataclass(frozen=True)
class Walk:
    """One walk of a source.

    Args:
        index: Its place in the source.
        id: Its name.
        subject: The person; empty where unknown.
        group: What no split may part.
        label: Class id; -1 = unlabelled.
        side: ``train`` or ``test`` in a config; empty in an archive.
        positions: (T, V, 3) float64, T at least 2, finite, the layout's up axis up, any unit.
        skeleton: The layout.
        rate: Frames per second; ``None`` where it is not known.
    """

    index: int
    id: str
    subject: str
    group: str
    label: int
    side: str
    positions: np.ndarray
    skeleton: Skeleton
    rate: float | None

    @property
    def anonymous(self) -> bool:
        """Whether nobody knows the person: the group is but the recording itself, or the one it was cut from."""
        return not self.subject and self.group in (self.id, self.id.partition("@")[0])

    def frames(self, seconds: float) -> int:
        """Frames that last so long, at least 1; at ``ASSUMED_RATE`` where the rate is not known."""
        return max(round(seconds * (self.rate or ASSUMED_RATE)), 1)

    @cached_property
    def centre(self) -> np.ndarray:
        """(T, 3) centre of the body."""
        return self.positions[:, list(self.skeleton.centre)].mean(axis=1)

    @cached_property
    def trunk_axis(self) -> np.ndarray:
        """(T, 3) from the centre to the neck."""
        return self.positions[:, list(self.skeleton.neck)].mean(axis=1) - self.centre

    @cached_property
    def trunk(self) -> float:
        """Median length of the trunk, in the unit of the coordinates.

        Raises:
            InapplicableError: It has none.
        """
        length = float(np.median(np.linalg.norm(self.trunk_axis, axis=-1)))
        extent = float(np.median(np.linalg.norm(self.positions - self.centre[:, None], axis=-1).max(axis=1)))
        if not length > _NEGLIGIBLE * extent:
            raise InapplicableError("the trunk has no length")
        return length

    @cached_property
    def planar(self) -> bool:
        """Whether one coordinate never changes: keypoints of an image."""
        extent = np.ptp(self.positions, axis=(0, 1))
        return bool(extent.min() <= _FLAT * extent.max())

    def need_depth(self) -> None:
        """Raise ``InapplicableError`` for keypoints of an image."""
        if self.planar:
            raise InapplicableError("two-dimensional")

    @cached_property
    def legs(self) -> tuple[tuple[int, int, int], ...]:
        """(hip, knee, ankle) of the left and the right leg.

        Raises:
            InapplicableError: The layout has no such chains.
        """
        return tuple(self._leg(hip) for hip in self.skeleton.hips)

    def _leg(self, hip: int) -> tuple[int, int, int]:
        chain = [hip]
        while len(chain) < 3:
            below = [joint for joint, parent in enumerate(self.skeleton.parents) if parent == chain[-1]]
            if len(below) != 1:
                raise InapplicableError("the layout has no legs of hip, knee and ankle")
            chain.append(below[0])
        return chain[0], chain[1], chain[2]

    @cached_property
    def facing(self) -> np.ndarray:
        """(T, 3) unit vectors along which the hips say that the body faces: left x up, level.

        Raises:
            InapplicableError: The hips tell no direction.
        """
        self.need_depth()
        ahead = ahead_of_hips(self.positions, self.skeleton)
        width = np.linalg.norm(ahead, axis=-1, keepdims=True)
        if not np.median(width) > HIPS_APART * self.trunk:
            raise InapplicableError("seen from above the hips coincide")
        return ahead / np.maximum(width, HIPS_APART * self.trunk)

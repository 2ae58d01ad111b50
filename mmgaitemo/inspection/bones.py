"""Do bones keep their length, within a walk and between the walks of a person?

Bones are rigid. Motion capture keeps them to a few percent; depth cameras and pose estimators do not know the bones and
let them breathe with every step. A bone whose length varies by half was lost track of.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.sources import WalkSource
from mmgaitemo.inspection.walk import InapplicableError, Walk

# Errors of joints are lengths, not shares: those of short bones are counted in half trunks (25 cm).
_SHORT = 0.5
# Range from the 10th to the 90th percentile over the frames: what lasts a tenth of the walk. (Single frames are left to
# the check for jumps.) Motion capture stays below 0.04, E-Gait below 0.31, synthetic walkers (8 mm of marker drift)
# below 0.3, 97 % of Kinect v2 walks below 0.35.
_PERCENTILES = 10, 90
_DRIFT = 0.35
# What stands out of a data set that is better than that: over _STANDS_OUT and over so many robust deviations (median
# absolute deviation, Gaussian scale) above its median.
_STANDS_OUT, _DEVIATIONS = 0.2, 6.0
_PERSON = 0.4  # a bone against the same person's median
_SIZE = 0.35  # the whole body against it: between children of 6 and adults; 2.54, 10 or 100 for a mistaken unit
_WALKS = 3  # of a person, for a median


def bone_lengths(walk: Walk) -> np.ndarray:
    """(T, V - 1) lengths of the bones, in the order of ``skeleton.edges``, in the unit of the coordinates."""
    child, parent = map(list, zip(*walk.skeleton.edges, strict=True))
    return np.linalg.norm(walk.positions[:, child] - walk.positions[:, parent], axis=-1)


def drift(walk: Walk) -> np.ndarray:
    """(V - 1,) range of each bone's length over a walk, as a part of its median length, at least of half a trunk."""
    lengths = bone_lengths(walk)
    low, high = np.percentile(lengths, _PERCENTILES, axis=0)
    return (high - low) / np.maximum(np.median(lengths, axis=0), _SHORT * walk.trunk)


def _deviation(values: np.ndarray) -> np.ndarray:
    """Robust standard deviation along the first axis."""
    return 1.4826 * np.median(np.abs(values - np.median(values, axis=0)), axis=0)


class BoneDrift(Check):
    """Bone lengths within a walk."""

    name = "bones"
    asks = "do bones keep their length during a walk?"
    measure = "range of a bone's length (10th to 90th percentile of the frames), part of its median"
    threshold = (
        f"problem above {_DRIFT:g}, or above {_STANDS_OUT:g} and {_DEVIATIONS:g} robust deviations over the median "
        "walk; a bone shorter than half a trunk is counted as half a trunk"
    )
    remedy = "look at the named bone (browse_dataset.py); leave the walk out, or repair the track and convert again"

    def __init__(self) -> None:
        super().__init__()
        self._walks: list[tuple[str, float, str]] = []

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        try:
            _ = walk.trunk
        except InapplicableError as reason:
            self.problem(walk.id, 0.0, str(reason), weight=np.inf)
            return
        walk.need_depth()  # bones seen from the side foreshorten
        drifts = drift(walk)
        worst = int(drifts.argmax())
        child, parent = (walk.skeleton.joints[joint] for joint in walk.skeleton.edges[worst])
        self._walks.append((walk.id, float(drifts[worst]), f"{parent} to {child}"))

    def conclude(self, source: WalkSource) -> None:
        """Compare the walks with each other."""
        values = np.array([value for _, value, _ in self._walks])
        if not len(values):
            return
        limit = min(_DRIFT, max(_STANDS_OUT, float(np.median(values) + _DEVIATIONS * _deviation(values))))
        for id, value, bone in self._walks:
            if value > limit:
                usual = "" if value > _DRIFT else f"; the median walk has {np.median(values):.2g}"
                self.problem(id, value, f"{bone}{usual}")


class Proportions(Check):
    """Bone lengths of a walk against the other walks of the same person."""

    name = "proportions"
    asks = "has a person the same body in all walks?"
    measure = "difference of a bone (or of the whole body) from the person's median, as a part of it"
    threshold = (
        f"problem above {_PERSON:g} for a bone, {_SIZE:g} for the body, and over {_DEVIATIONS:g} robust deviations "
        f"of this person's walks; persons with {_WALKS} walks or more"
    )
    remedy = "check the person's name and the unit of these walks; leave out what is somebody else or mismeasured"

    def __init__(self) -> None:
        super().__init__()
        self._persons: dict[str, list[tuple[str, float, np.ndarray]]] = defaultdict(list)
        self._bones: list[str] = []

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        walk.need_depth()
        if not self._bones:
            self._bones = [walk.skeleton.joints[child] for child, _ in walk.skeleton.edges]
        lengths = np.median(bone_lengths(walk), axis=0).astype(np.float32)
        self._persons[walk.subject or walk.group].append((walk.id, walk.trunk, lengths))

    def conclude(self, source: WalkSource) -> None:
        """Compare the walks of each person."""
        for walks in self._persons.values():
            if len(walks) < _WALKS:
                self.looked_at -= len(walks)
                self.inapplicable[f"fewer than {_WALKS} walks of the person"] += len(walks)
                continue
            lengths = np.stack([row for _, _, row in walks])
            usual = np.median(lengths, axis=0)
            seen = usual > 0
            if not seen.any():
                continue
            sizes = np.maximum(np.median(lengths[:, seen] / usual[seen], axis=1), np.finfo(np.float32).tiny)
            trunks = np.array([trunk for _, trunk, _ in walks])
            floor = np.maximum(usual, _SHORT * np.median(trunks / sizes))
            bones = lengths / sizes[:, None] / floor - usual / floor
            limits = np.maximum(_PERSON, _DEVIATIONS * _deviation(bones))
            limit = max(_SIZE, _DEVIATIONS * float(_deviation(sizes)))
            for (id, _, _), size, row in zip(walks, sizes, bones, strict=True):
                if max(size, 1 / size) > 1 + limit:
                    self.problem(id, size - 1, f"the whole body is {size:.3g} times the person's usual size")
                elif (np.abs(row) > limits).any():
                    worst = int(np.abs(row).argmax())
                    self.problem(id, row[worst], f"the bone to {self._bones[worst]}", weight=abs(row[worst]))

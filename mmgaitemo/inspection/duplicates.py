"""Is the same walk there twice, under another name, or under another person's name?

A walk on both sides of a split, or of one person under two names, makes a test read too high. Copies are found by
their content: exact ones by a hash, others (moved, turned, scaled, noisy, cut) by a small descriptor of each walk and,
for the few nearest, by the walks themselves.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.similarity import descriptor, distance, normalised
from mmgaitemo.inspection.sources import WalkSource
from mmgaitemo.inspection.walk import Walk

# Body sizes (root mean square distance of the joints from the centre, about half a metre): 15 mm. Two takes of one
# person differ by more (E-Gait, motion capture, synthetic walkers, and all but 3 of 5,670 Kinect v2 walks; two persons
# by twice as much), a copy with 8 mm of noise by 0.025 at the most.
_SAME = 0.03
# Of the descriptors: copies with noise stay below 0.03, with a fifth cut off mostly below 0.1.
_CANDIDATE = 0.1
_NEAREST = 4
_KEPT = 64  # walks in memory while pairs are compared

_SCOPES = ("on both sides of the split", "under two persons", "of one person")


class Duplicates(Check):
    """Pairs of walks with the same content."""

    name = "duplicates"
    asks = "is a walk there twice?"
    measure = "distance of two walks in body sizes, freed of place, size, heading and shift; 0 = the same numbers"
    threshold = (
        f"the same numbers, or within {_SAME:g}: problem on both sides of a split or under two persons; within a "
        "person the same numbers are a problem, near ones a note (windows that overlap)"
    )
    remedy = "keep one of the two; give all walks of one person the same subject and group, so that no split parts them"

    def __init__(self) -> None:
        super().__init__()
        self._seen: list[_Seen] = []

    def look(self, walk: Walk) -> None:
        """Measure a walk."""
        short = descriptor(normalised(walk))
        content = hashlib.blake2b(walk.positions.tobytes(), digest_size=16).digest()
        self._seen.append(_Seen(walk.index, walk.side, walk.group, walk.id, content, short))

    def conclude(self, source: WalkSource) -> None:
        """Compare the walks with each other."""
        persons: Counter[tuple[str, str]] = Counter()
        for one, other, value in [*self._exact(), *self._near(source)]:
            scope = 0 if one.side != other.side else 1 if one.group != other.group else 2
            detail = f"{'the same numbers as' if value == 0 else 'nearly'} {other.id}: {_SCOPES[scope]}"
            if one.group != other.group:
                detail += f" ({one.group}, {other.group})"
                persons[min(one.group, other.group), max(one.group, other.group)] += 1
            add = self.note if scope == 2 and value > 0 else self.problem
            add(one.id, value, detail, weight=3 - scope - value)
        for (group, other_group), count in persons.items():
            if count > 1:
                self.problem(group, count, f"{count} walks are also walks of {other_group}: one person?", 10 + count)

    def _exact(self) -> Iterator[tuple[_Seen, _Seen, float]]:
        first: dict[bytes, _Seen] = {}
        for walk in self._seen:
            if first.setdefault(walk.content, walk) is not walk:
                yield walk, first[walk.content], 0.0

    def _near(self, source: WalkSource) -> Iterator[tuple[_Seen, _Seen, float]]:
        """Pairs with other numbers but the same movement; of walks with the same numbers only the first takes part."""
        unique = list({walk.content: walk for walk in reversed(self._seen)}.values())[::-1]
        if len(unique) < 2:
            return
        table = np.stack([walk.short for walk in unique])
        gaps, rows = cKDTree(table).query(table, k=min(_NEAREST + 1, len(unique)), distance_upper_bound=_CANDIDATE)
        pairs = {
            (min(row, other), max(row, other))
            for row, (near, others) in enumerate(zip(np.isfinite(gaps), rows, strict=True))
            for other in others[near].tolist()
            if other != row
        }

        @lru_cache(_KEPT)
        def movement(row: int) -> np.ndarray:
            return normalised(source.walk(unique[row].index))

        for one, other in sorted(pairs):
            value, _ = distance(movement(one), movement(other))
            if value <= _SAME:
                yield unique[other], unique[one], max(value, np.finfo(float).tiny)


@dataclass(frozen=True)
class _Seen:
    """What is kept of a walk; ``short`` is its descriptor."""

    index: int
    side: str
    group: str
    id: str
    content: bytes
    short: np.ndarray

"""Is a person on both sides of a split? Then the test measures how well the network knows the person."""

from __future__ import annotations

from collections import Counter, defaultdict

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.sources import TEST, TRAIN, WalkSource
from mmgaitemo.inspection.walk import InapplicableError, Walk


class Persons(Check):
    """Groups on both sides of a config's split; in an archive, subjects whom groups part."""

    name = "persons"
    asks = "can a person be on both sides of a split?"
    measure = "walks of the person (of the smaller part)"
    threshold = (
        "problem: a group with walks both in training or kNN bank and in validation or test (config); a subject with "
        "walks in several groups, which a split may part (archive); note: walks whose person is not known"
    )
    remedy = (
        "split by person: a fold file, person_pattern or groups that keep each person together; "
        "different people need different names"
    )

    def __init__(self) -> None:
        super().__init__()
        self._sides: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._unknown = 0

    def look(self, walk: Walk) -> None:
        """Count a walk."""
        if walk.anonymous:
            self._unknown += 1
            raise InapplicableError("the person is not known")
        self._sides[walk.group][walk.side] += 1
        if walk.subject:
            self._groups[walk.subject][walk.group] += 1

    def conclude(self, source: WalkSource) -> None:
        """Find who is where."""
        if self._unknown:
            detail = "nobody knows whether a split parts a person; if it does, the test reads too high"
            self.note("(unknown)", self._unknown, detail)
        for person, sides in self._sides.items():
            if len(sides) > 1:
                detail = f"{sides[TRAIN]} walks in training or bank, {sides[TEST]} in validation or test"
                self.problem(person, min(sides.values()), detail)
        for person, groups in self._groups.items():
            if len(groups) > 1:
                names = ", ".join(sorted(groups)[:3])
                self.problem(person, min(groups.values()), f"is in {len(groups)} groups: {names}")

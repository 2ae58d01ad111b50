"""What labels, persons and lengths allow: classes that cannot be learnt, persons that cannot be split."""

from __future__ import annotations

from collections import Counter

from mmgaitemo.inspection.check import Check
from mmgaitemo.inspection.sources import WalkSource
from mmgaitemo.inspection.walk import Walk

# A gait cycle takes 0.9 to 1.3 s at the speeds that people choose (Whittle, Gait Analysis, 4th ed. 2007); E-Gait's
# shortest walk, one cycle, has 18 frames at about 30 Hz.
_CYCLE = 0.6  # s
_IMBALANCE = 10.0  # times: from there on an accuracy says nothing about the rare class


class Labels(Check):
    """Classes, persons and lengths."""

    name = "labels"
    asks = "are classes, persons and lengths sufficient?"
    measure = "walks (frames where a length is meant)"
    threshold = (
        "problem: a class without walks on a side that has labels; note: unlabelled walks, classes that differ more "
        f"than {_IMBALANCE:g} times in size, persons with a single walk, walks shorter than {_CYCLE:g} s"
    )
    remedy = (
        "list only classes that the data have; balance the sampler; cut walks to whole cycles or leave short ones out"
    )

    def __init__(self) -> None:
        super().__init__()
        self._walks: Counter[tuple[str, int]] = Counter()
        self._persons: Counter[str] = Counter()

    def look(self, walk: Walk) -> None:
        """Count a walk."""
        self._walks[walk.side, walk.label] += 1
        if not walk.anonymous:
            self._persons[walk.subject or walk.group] += 1
        if len(walk.positions) < walk.frames(_CYCLE):
            frames = len(walk.positions)
            self.note(walk.id, frames, f"{frames} frames are shorter than a gait cycle", weight=-frames)

    def conclude(self, source: WalkSource) -> None:
        """Compare the counts."""
        for side in source.sides:
            where = f" on the {side} side" if side else ""
            counts = {name: self._walks[side, label] for label, name in enumerate(source.classes)}
            unlabelled, labelled = self._walks[side, -1], sum(counts.values())
            if unlabelled:
                share = unlabelled / (unlabelled + labelled)
                self.note("(unlabelled)", unlabelled, f"{share:.0%} of the walks{where} have no label", weight=1e6)
            if not labelled:
                continue
            for name in [name for name, count in counts.items() if not count]:
                self.problem(name, 0, f"the class has no walk{where}")
            present = {name: count for name, count in counts.items() if count}
            rare, common = min(present, key=present.__getitem__), max(present, key=present.__getitem__)
            if present[common] > _IMBALANCE * present[rare]:
                self.note(rare, present[rare], f"{common} has {present[common]} walks{where}", weight=1e6)
        if single := sorted(person for person, count in self._persons.items() if count == 1):
            names = ", ".join(single[:3]) + (", ..." if len(single) > 3 else "")
            self.note("(persons)", len(single), f"persons with a single walk: {names}", weight=1e6)

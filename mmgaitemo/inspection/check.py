"""What every check is: it looks at each walk once, in the order of the source, and may conclude at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from mmgaitemo.inspection.sources import WalkSource
from mmgaitemo.inspection.walk import InapplicableError, Walk

NOTE, PROBLEM = "note", "problem"


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Args:
        severity: ``PROBLEM`` (a fault: exit code 1) or ``NOTE`` (worth knowing).
        id: The walk, person or class.
        value: The measure that crossed the threshold; its meaning is the check's ``measure``.
        detail: Where and what, in plain words.
        weight: The larger, the worse.
    """

    severity: str
    id: str
    value: float
    detail: str
    weight: float


class Check(ABC):
    """One question to a data set. Memory does not grow with the frames of the source, at most with its walks."""

    name: ClassVar[str]
    asks: ClassVar[str]
    """What it asks, in a clause."""
    measure: ClassVar[str]
    """What ``Finding.value`` is."""
    threshold: ClassVar[str]
    """From where on something is a problem or a note."""
    remedy: ClassVar[str]
    """What to do about it."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.looked_at = 0
        self.inapplicable: Counter[str] = Counter()

    def add(self, walk: Walk) -> None:
        """Take a walk into account."""
        try:
            self.look(walk)
        except InapplicableError as reason:
            self.inapplicable[str(reason)] += 1
        else:
            self.looked_at += 1

    @abstractmethod
    def look(self, walk: Walk) -> None:
        """Measure a walk.

        Raises:
            InapplicableError: The check says nothing about this walk.
        """

    def conclude(self, source: WalkSource) -> None:  # noqa: B027 - most checks judge walk by walk
        """Judge what only the whole data set shows, after the last walk."""

    def problem(self, id: str, value: float, detail: str, weight: float | None = None) -> None:
        """Add a fault; ``weight`` is the value by default."""
        self.findings.append(Finding(PROBLEM, id, float(value), detail, float(value if weight is None else weight)))

    def note(self, id: str, value: float, detail: str, weight: float | None = None) -> None:
        """Add what is worth knowing."""
        self.findings.append(Finding(NOTE, id, float(value), detail, float(value if weight is None else weight)))

    def worst_first(self) -> list[Finding]:
        """Problems before notes, each from the worst on."""
        return sorted(self.findings, key=lambda finding: (finding.severity != PROBLEM, -finding.weight, finding.id))

    def count(self, severity: str) -> int:
        """Number of findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

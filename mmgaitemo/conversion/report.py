"""What a conversion read, kept, repaired and refused, as a table for the eyes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

_ROWS = 30  # of a column of counts; an archive may have thousands of persons


@dataclass
class Report:
    """The tally of a conversion; ``add`` and ``refuse`` fill it, ``show`` prints it."""

    labels: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    rates: Counter[str] = field(default_factory=Counter)
    recordings: int = 0
    repaired: list[tuple[str, int, int, int]] = field(default_factory=list)
    unused_frames: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def add(self, label: str | None, subject: str, lengths: Sequence[int], rate: float | None, unused: int) -> None:
        """Count a recording that became walks of these lengths; ``unused`` frames fell outside of them."""
        self.recordings += 1
        self.rates["unknown" if rate is None else f"{rate:g} Hz"] += 1
        self.unused_frames += unused
        self.lengths += lengths
        self.labels += [label if label is not None else "(unlabelled)"] * len(lengths)
        self.subjects += [subject or "(unknown)"] * len(lengths)

    def refuse(self, name: str, reason: str) -> None:
        """Note a recording that was not taken, and why."""
        reason = reason.removeprefix(f"recording {name!r}: ")
        folder, found, rest = reason.partition(f"{name}: ")
        self.refused.append((name, rest if found and ": " not in folder else reason))

    def show(self, console: Console, resampled: float | None) -> None:
        """Print repairs and refusals, then counts per label and person, lengths and rates.

        Args:
            console: Where to.
            resampled: The rate to which the recordings were brought, if any.
        """
        reasons: dict[str, list[str]] = {}  # one reason often holds for a whole folder: a wrong preset, a wrong pattern
        for name, reason in self.refused:
            reasons.setdefault(reason, []).append(name)
        for title, names in (
            ("repaired", [f"{row[0]}: {row[2]} joints interpolated, {row[1]} frames cut off" for row in self.repaired]),
            ("refused", [f"{', '.join(who)}: {reason}" for reason, who in reasons.items()]),
        ):
            for line in names:
                console.print(Text(f"{title}  {line}"), soft_wrap=True)
        if not self.lengths:
            return
        console.print(_counts("label", self.labels), _counts("person", self.subjects))
        lengths = np.array(self.lengths)
        rates = ", ".join(f"{rate} ({count})" for rate, count in sorted(self.rates.items()))
        values, longest = (sum(row[2] for row in self.repaired), max((row[3] for row in self.repaired), default=0))
        repairs = (
            f"{values} joints interpolated and {sum(row[1] for row in self.repaired)} frames cut off in "
            f"{len(self.repaired)} recordings, the longest {longest} frames"
        )
        facts = {
            "recordings": f"{self.recordings} taken, {len(self.refused)} refused",
            "walks": f"{len(self.lengths)}, {lengths.sum()} frames",
            "frames a walk": f"{lengths.min()} to {lengths.max()}, median {np.median(lengths):g}",
            "rate": rates + (f", resampled to {resampled:g} Hz" if resampled else ""),
            "frames in no walk": f"{self.unused_frames} (outside of windows)" if self.unused_frames else "none",
            "gaps repaired": repairs if self.repaired else "none needed",
        }
        for name, fact in facts.items():
            console.print(Text(f"{name:18} {fact}"), soft_wrap=True)


def _counts(title: str, values: Sequence[str]) -> Table:
    table = Table(title, "walks")
    table.columns[1].justify = "right"
    counts = sorted(Counter(values).items())
    for name, count in counts[:_ROWS]:
        table.add_row(Text(name), str(count))
    if rest := counts[_ROWS:]:
        table.add_row(f"... and {len(rest)} more", str(sum(count for _, count in rest)))
    return table

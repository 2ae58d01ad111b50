"""Stored comparisons of encoders of different size: accuracy against cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PROBES = ("knn", "linear")


@dataclass(frozen=True)
class VariantSummary:
    """One variant over the cells (splits and seeds) that every variant has.

    Attributes:
        name: Of the variant.
        macs: Multiply-accumulates of one walk, forward.
        parameters: Learned numbers of the encoder.
        cpu_seconds_per_step: Median over the cells.
        trained: Accuracy of each probe after pre-training, (cells,) each.
        untrained: The same of the untrained twin.
        score: Mean of both probes after pre-training, (cells,).
        difference: Of the score to that of the first variant, cell by cell: mean and its standard error.
        behind: Of the best variant's score to this one, likewise.
    """

    name: str
    macs: int
    parameters: int
    cpu_seconds_per_step: float
    trained: dict[str, np.ndarray]
    untrained: dict[str, np.ndarray]
    score: np.ndarray
    difference: tuple[float, float]
    behind: tuple[float, float]


def summarise(cells: Sequence[dict[str, Any]]) -> list[VariantSummary]:
    """A summary of each variant, in the order of ``cells``; none without a shared cell."""
    names = list(dict.fromkeys(cell["variant"] for cell in cells))
    by_name = {name: {_run(cell): cell for cell in cells if cell["variant"] == name} for name in names}
    shared = sorted(set.intersection(*(set(own) for own in by_name.values()))) if names else []
    if not shared:
        return []
    chosen = {name: [by_name[name][run] for run in shared] for name in names}
    score = {name: _accuracy(own, "trained", PROBES).mean(0) for name, own in chosen.items()}
    best = max(names, key=lambda name: score[name].mean())
    return [
        VariantSummary(
            name=name,
            macs=own[0]["macs"],
            parameters=own[0]["parameters"],
            cpu_seconds_per_step=float(np.median([cell["cpu_seconds_per_step"] for cell in own])),
            trained={probe: _accuracy(own, "trained", [probe])[0] for probe in PROBES},
            untrained={probe: _accuracy(own, "untrained", [probe])[0] for probe in PROBES},
            score=score[name],
            difference=_paired(score[name] - score[names[0]]),
            behind=_paired(score[best] - score[name]),
        )
        for name, own in chosen.items()
    ]


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Mean +- sd of the accuracies over the cells that all variants have, as a Markdown table."""
    lines = [
        "| variant | MMACs | parameters | CPU s/step | kNN | kNN, untrained | linear | lin., untrained | minus first |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in summarise(cells):
        values = [f"{v.mean():.3f} +- {v.std():.3f}" for p in PROBES for v in (row.trained[p], row.untrained[p])]
        entries = [row.name, f"{row.macs / 1e6:.1f}", f"{row.parameters:,}", f"{row.cpu_seconds_per_step:.2f}", *values]
        lines.append(f"| {' | '.join(entries)} | {row.difference[0]:+.3f} +- {row.difference[1]:.3f} |")
    return "\n".join(lines)


def front(summaries: Sequence[VariantSummary]) -> list[VariantSummary]:
    """The Pareto front in the order of MACs: no variant with at most as many MACs has a mean score as high."""
    ordered = sorted(summaries, key=lambda summary: summary.macs)
    return [
        summary
        for place, summary in enumerate(ordered)
        if all(cheaper.score.mean() < summary.score.mean() for cheaper in ordered[:place])
    ]


def knee(summaries: Sequence[VariantSummary]) -> VariantSummary:
    """The cheapest variant no more than one standard error behind the best (the one-standard-error rule).

    Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3; the error is of paired differences.
    """
    ordered = sorted(summaries, key=lambda summary: summary.macs)
    return next(summary for summary in ordered if summary.behind[0] <= summary.behind[1])


def _run(cell: dict[str, Any]) -> tuple[int, int, int, int]:
    return cell["fold"], -1 if cell["unused"] is None else cell["unused"], cell["seed"], cell["epochs"]


def _accuracy(cells: Sequence[dict[str, Any]], kind: str, probes: Sequence[str]) -> np.ndarray:
    return np.array([[cell[kind][probe] for cell in cells] for probe in probes])


def _paired(differences: np.ndarray) -> tuple[float, float]:
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return float(differences.mean()), float(error)

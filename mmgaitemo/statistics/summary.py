"""What a study found: rows of scores, families of paired comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mmgaitemo.statistics.cell_lines import METRICS, End, Run
from mmgaitemo.statistics.comparisons import Comparison, compare, corrected
from mmgaitemo.statistics.consistency import check_together, missing_cells, size_ratio
from mmgaitemo.statistics.estimates import Estimate, corrected_t
from mmgaitemo.statistics.study_files import StudyResult

DIGITS = 6  # of stored figures: more would differ between machines


@dataclass(frozen=True)
class Row:
    """Scores of one method and protocol.

    Attributes:
        folds: Number of evaluated folds.
        seeds: Number of seeds.
        scores: By key of ``METRICS``; those that the protocol has not are absent.
    """

    end: End
    folds: int
    seeds: int
    scores: dict[str, Estimate]


@dataclass(frozen=True)
class Family:
    """Comparisons that are corrected together, as one table.

    Attributes:
        protocol: The protocol of all of them, or None for the study's further comparisons.
        absent: Pairs that share no run.
    """

    protocol: str | None
    comparisons: list[Comparison]
    absent: list[tuple[End, End]]


@dataclass(frozen=True)
class Summary:
    """Everything that the report shows.

    Attributes:
        ratio: n_test / n_train over the whole study.
        missing: (method, protocol) to the runs that are not there.
    """

    study: StudyResult
    ratio: float
    rows: list[Row]
    families: list[Family]
    missing: dict[End, list[Run]]


def summarise(study: StudyResult) -> Summary:
    """Compute all figures of a study.

    Raises:
        DataError: Its cells do not belong together.
    """
    check_together(study)
    all_runs = [run for _, run, _ in study.every_cell()]
    return Summary(study, size_ratio(study, all_runs), _rows(study), _families(study), missing_cells(study))


def _rows(study: StudyResult) -> list[Row]:
    rows = []
    for end, runs in study.cells.items():
        ratio = size_ratio(study, runs)
        kept = next(iter(runs.values())).metrics
        scores = {
            key: _possible(key, corrected_t([cell.metrics[key] for cell in runs.values()], ratio))
            for key in METRICS
            if key in kept
        }
        rows.append(Row(end, len({run[0] for run in runs}), len({run[2] for run in runs}), scores))
    return rows


def _possible(key: str, score: Estimate) -> Estimate:
    """The interval within what a score can be: the t-test does not know that shares end at 0 and 1."""
    if score.low is None or score.high is None:
        return score
    return replace(score, low=max(score.low, 0.0), high=score.high if key == "log_loss" else min(score.high, 1.0))


def _families(study: StudyResult) -> list[Family]:
    pairs: dict[str | None, list[tuple[End, End]]] = {}
    for method, protocol in study.cells:
        if method != study.reference and (study.reference, protocol) in study.cells:
            pairs.setdefault(protocol, []).append(((method, protocol), (study.reference, protocol)))
    if study.comparisons:
        pairs[None] = list(study.comparisons)
    families = []
    for protocol_or_none, ends in pairs.items():
        found = [compare(study, *pair) for pair in ends]
        absent = [pair for pair, comparison in zip(ends, found, strict=True) if comparison is None]
        families.append(Family(protocol_or_none, corrected([c for c in found if c is not None]), absent))
    return families


def majority(study: StudyResult) -> float:
    """Accuracy of always naming the class with most walks, over all evaluated walks."""
    truths = {run[0]: cell.truth for _, run, cell in study.every_cell()}
    walks = np.concatenate([*truths.values()])
    return float(np.bincount(walks).max() / len(walks))


def score_rows(summary: Summary) -> list[dict[str, Any]]:
    """The rows of summary.json; each says which data it is about."""
    study = summary.study
    return [
        {
            "method": row.end[0],
            "protocol": row.end[1],
            "metric": key,
            "mean": _short(score.mean),
            "sd": _short(score.sd),
            "n": score.n,
            "low": _short(score.low),
            "high": _short(score.high),
            "data": study.data,
            "purpose": study.purpose,
        }
        for row in summary.rows
        for key, score in row.scores.items()
    ]


def comparison_rows(summary: Summary) -> list[dict[str, Any]]:
    """The rows of comparisons.json: differences in accuracy, as shares."""
    study = summary.study
    return [
        {
            "first": "/".join(found.first),
            "second": "/".join(found.second),
            "family": family.protocol or "further comparisons",
            "folds": found.folds,
            "seeds": found.seeds,
            **{key: _short(value) for key, value in asdict(found.headline).items() if key != "p"},
            "p": _short(found.headline.p),
            "p_holm": _short(found.p_holm),
            "quiet_seeds": found.quiet_seeds,
            "over_folds": {key: _short(value) for key, value in asdict(found.over_folds).items()},
            "sign_flip": found.flip and {key: _short(value) for key, value in asdict(found.flip).items()},
            "bootstrap": {key: _short(value) for key, value in asdict(found.bootstrap).items()},
            "data": study.data,
            "purpose": study.purpose,
        }
        for family in summary.families
        for found in family.comparisons
    ]


def _short(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, DIGITS)


def confusion(study: StudyResult, end: End) -> np.ndarray:
    """(K, K) walks by truth and prediction, the mean over seeds, rounded so that each row keeps its number of walks."""
    total = np.zeros((len(study.classes), len(study.classes)))
    runs = study.cells[end]
    for fold in {run[0] for run in runs}:
        cells = [cell for run, cell in runs.items() if run[0] == fold]
        for cell in cells:
            np.add.at(total, cell.truth, cell.votes / len(cells))
    return np.array([_rounded(row) for row in total])


def _rounded(row: Sequence[float] | np.ndarray) -> np.ndarray:
    """Whole numbers with the sum of the row: what is left goes to the largest remainders."""
    values = np.round(row, 9)
    whole = np.floor(values).astype(int)
    left = round(float(np.sum(values))) - int(whole.sum())
    whole[np.argsort(whole - values, kind="stable")[:left]] += 1
    return whole

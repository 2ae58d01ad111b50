"""Paired differences in accuracy between two (method, protocol) pairs of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from mmgaitemo.statistics.cell_lines import Cell, End, Run, order
from mmgaitemo.statistics.consistency import size_ratio
from mmgaitemo.statistics.estimates import LEAST, Estimate, corrected_t, holm
from mmgaitemo.statistics.resampling import Bootstrap, SignFlip, paired_bootstrap, sign_flip
from mmgaitemo.statistics.study_files import StudyResult

# Under this ratio of the variance over seeds to that over folds, the corrected test on all runs is too liberal:
# simulated error rates of a 5 % test on 5 fixed folds x 5 seeds are 0.08 to 0.14 at 0, 0.04 to 0.07 at 0.25, 0.02 to
# 0.05 at 0.5 (correlation between folds 0 to 0.1), because seeds are no new test walks.
FEW_SEED_NOISE = 0.25


@dataclass(frozen=True)
class Comparison:
    """Accuracy of ``first`` minus that of ``second``, in shares.

    Attributes:
        headline: Corrected t over the runs (folds x seeds), or over folds where one side has a single seed or the seed
            changes nothing.
        folds: Number of evaluated folds.
        seeds: Number of shared seeds; 1 where the runs are folds.
        over_folds: The same test on the means of the folds: right however little the seeds change, but wide.
        flip: Sign flips of the means of the folds; None of fewer than ``LEAST`` folds.
        bootstrap: Over walks or persons.
        quiet_seeds: Seeds change so little that the headline is too liberal, see ``FEW_SEED_NOISE``.
        p_holm: Of the headline, corrected for its table.
    """

    first: End
    second: End
    headline: Estimate
    folds: int
    seeds: int
    over_folds: Estimate
    flip: SignFlip | None
    bootstrap: Bootstrap
    quiet_seeds: bool
    p_holm: float | None


def compare(study: StudyResult, first: End, second: End) -> Comparison | None:
    """Compare two pairs on the runs that both have.

    What has one seed (hand-made features with all labels) is compared, fold by fold, with the mean over the seeds of
    the other.

    Returns:
        The comparison, not yet Holm-corrected, or None where they share no run.
    """
    left, right = study.cells.get(first, {}), study.cells.get(second, {})
    paired = (first in study.once) == (second in study.once)
    if paired:
        shared = left.keys() & right.keys()
        left, right = ({run: runs[run] for run in shared} for runs in (left, right))
    else:
        splits = {run[:2] for run in left} & {run[:2] for run in right}
        left, right = ({run: c for run, c in runs.items() if run[:2] in splits} for runs in (left, right))
    if not left:
        return None
    runs = sorted(left if len(left) > len(right) else right, key=order)
    walks = {fold: _correct(left, fold) - _correct(right, fold) for fold in sorted({run[0] for run in runs})}
    folds = np.array([difference.mean() for difference in walks.values()])
    noise = None
    if paired:
        differences = np.array([left[run].correct.mean() - right[run].correct.mean() for run in runs])
        noise = _seed_noise(runs, differences)
    if not paired or noise == 0:
        differences = _split_means(left) - _split_means(right)
    ratio = size_ratio(study, runs)
    return Comparison(
        first,
        second,
        headline=corrected_t(differences, ratio),
        folds=len(folds),
        seeds=len({run[2] for run in runs}) if paired and noise != 0 else 1,
        over_folds=corrected_t(folds, ratio),
        flip=sign_flip(folds) if len(folds) >= LEAST else None,
        bootstrap=paired_bootstrap(np.concatenate([*walks.values()]), _groups(left, walks)),
        quiet_seeds=noise is not None and 0 < noise < FEW_SEED_NOISE,
        p_holm=None,
    )


def corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of one table, with Holm's correction over all of them."""
    p_values = holm([comparison.headline.p for comparison in family])
    return [replace(comparison, p_holm=p) for comparison, p in zip(family, p_values, strict=True)]


def _split_means(runs: Mapping[Run, Cell]) -> np.ndarray:
    """(splits,) accuracy, the mean over the seeds of each."""
    by_split = groupby(sorted(runs, key=order), key=lambda run: run[:2])
    return np.array([np.mean([runs[run].correct.mean() for run in same]) for _, same in by_split])


def _correct(runs: Mapping[Run, Cell], fold: int) -> np.ndarray:
    """(walks of the fold,) share of the runs that got each right."""
    return np.mean([cell.correct for run, cell in runs.items() if run[0] == fold], axis=0)


def _groups(runs: Mapping[Run, Cell], folds: Iterable[int]) -> list[str]:
    of_fold = {run[0]: cell.groups for run, cell in runs.items()}
    return [name for fold in folds for name in of_fold[fold]]


def _seed_noise(runs: Sequence[Run], differences: np.ndarray) -> float | None:
    """Variance over the seeds of a split, relative to that of the splits themselves; None where it is not known."""
    places = [run[:2] for run in runs]
    groups = [differences[[place == other for other in places]] for place in dict.fromkeys(places)]
    if len(groups) < 2 or min(map(len, groups)) < 2:
        return None
    within = float(np.mean([group.var(ddof=1) for group in groups]))
    if within < 1e-18:  # equal differences whose mean is rounded
        return 0.0
    between = np.var([group.mean() for group in groups], ddof=1) - within / np.mean([len(group) for group in groups])
    return float(within / between) if between > 0 else np.inf

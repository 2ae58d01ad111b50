"""Tests beside the headline that assume less: flipped signs of folds, and walks drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from mmgaitemo.errors import DataError
from mmgaitemo.statistics.estimates import LEVEL, numbers

MOST_EXACT = 14  # folds up to which all 2^folds patterns are counted
DRAWS = 10_000


@dataclass(frozen=True)
class SignFlip:
    """Outcome of a sign-flip test.

    Attributes:
        p: Two-sided.
        smallest: The smallest p that so many folds can give at all.
        exact: All patterns were counted; otherwise ``DRAWS`` random ones and the observed one.
    """

    p: float
    smallest: float
    exact: bool


def sign_flip(differences: Sequence[float] | np.ndarray) -> SignFlip:
    """Would the mean be as far from zero if in every fold the two methods changed names by chance?

    Exact under the hypothesis that the differences of the folds are independent and symmetric about zero. Five folds
    have 32 patterns of signs, so no p is below 2 / 32 = 1 / 16: five folds alone can never reach 0.05.

    Args:
        differences: (folds,) paired differences, the mean over the seeds of each fold.

    Raises:
        DataError: There is none, or one that is no finite number within ``LARGEST``.
    """
    array = numbers("sign_flip: differences", differences)
    folds = len(array)
    exact = folds <= MOST_EXACT
    if exact:
        signs = np.array(list(product((1, -1), repeat=folds)))
    else:
        drawn = np.random.default_rng(0).choice((1, -1), size=(DRAWS, folds))
        signs = np.concatenate([np.ones((1, folds), dtype=drawn.dtype), drawn])
    totals = np.abs(signs @ array)
    # The observed pattern has to count as as extreme as itself, whatever the order of the sum rounds to.
    p = float(np.mean(totals >= totals[0] - 1e-9 * max(np.abs(array).max(), 1e-300)))
    return SignFlip(p, 2 / 2**folds if exact else 1 / (DRAWS + 1), exact)


@dataclass(frozen=True)
class Bootstrap:
    """Percentile interval of a bootstrap.

    Attributes:
        low: Lower end of the 95 % interval.
        high: Upper end.
        units: Number of what was drawn: persons or walks.
        persons: Whether persons were drawn, with all their walks.
    """

    low: float
    high: float
    units: int
    persons: bool


def paired_bootstrap(differences: Sequence[float] | np.ndarray, groups: Sequence[str] | None = None) -> Bootstrap:
    """How far the mean difference moves if other walks, or other persons, had been recorded.

    Covers the choice of the test walks alone: the trained models stay as they are.

    Args:
        differences: (walks,) correctness of one method minus that of another, averaged over seeds, in [-1, 1].
        groups: (walks,) person of each walk. Walks of a person resemble each other, so that persons are drawn, with
            all their walks. None draws walks, and gives too narrow an interval where persons have several.

    Raises:
        DataError: There is no difference, one that is no finite number within ``LARGEST``, or not a group for each.
    """
    array = numbers("paired_bootstrap: differences", differences)
    if groups is not None and len(groups) != len(array):
        raise DataError(
            "paired_bootstrap: groups", f"needs {len(array)}", found=len(groups), remedy="name a person for each walk"
        )
    _, unit = np.unique(np.arange(len(array)) if groups is None else np.asarray(groups), return_inverse=True)
    sizes = np.bincount(unit)
    # Units of equal sum and size are alike, and drawing units is drawing how many of each kind there are: a table of
    # a few kinds instead of thousands of walks. Rounded, because 1 - 2/3 and 1/3 differ in the last digit.
    pairs = np.stack([np.round(np.bincount(unit, weights=array), 10), sizes], axis=1)
    kinds, counts = np.unique(pairs, axis=0, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(sizes), counts / len(sizes), size=DRAWS)
    means = (drawn @ kinds[:, 0]) / (drawn @ kinds[:, 1])
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Bootstrap(float(low), float(high), len(sizes), groups is not None)

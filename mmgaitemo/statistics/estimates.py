"""Mean, spread and interval of scores that share their training walks, and the test of a mean against zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mmgaitemo.errors import ConfigError, DataError

LEVEL = 0.95
LARGEST = 1e100  # values: squares of much larger ones overflow
LEAST = 3  # values: t with one degree of freedom gives intervals that say nothing


@dataclass(frozen=True)
class Estimate:
    """What is known of a mean.

    Attributes:
        mean: Of the values.
        sd: Standard deviation of the values (n - 1); None for one value.
        n: Number of values.
        low: Lower end of the 95 % interval; None where nothing tells the noise of the mean: fewer than ``LEAST``
            values, or equal ones.
        high: Upper end.
        p: Two-sided, for a mean of zero; None where there is no interval.
    """

    mean: float
    sd: float | None
    n: int
    low: float | None
    high: float | None
    p: float | None


def corrected_t(values: Sequence[float] | np.ndarray, ratio: float) -> Estimate:
    """The corrected resampled t-test of Nadeau and Bengio, with its interval.

    Runs of a cross-validation share training walks, so their scores are correlated and the usual variance of a mean,
    s^2 / J, is too small. Nadeau and Bengio (Machine Learning 52, 2003, equation 13) take s^2 (1 / J + n_test /
    n_train); Bouckaert and Frank (PAKDD 2004) recommend it for repeated cross-validation. t has J - 1 degrees.

    Args:
        values: (J,) scores, or differences of paired scores.
        ratio: n_test / n_train, the sizes of the two parts; 0 gives the usual t-test.

    Raises:
        DataError: No value, or one that is no finite number within ``LARGEST``.
        ConfigError: ``ratio`` is negative or not finite.
    """
    array = numbers("corrected_t: values", values)
    if not 0 <= ratio < np.inf:
        raise ConfigError("corrected_t: ratio", "is no ratio of sizes", found=ratio, remedy="pass n_test / n_train")
    count, mean = len(array), float(array.mean())
    if count == 1:
        return Estimate(mean, None, 1, None, None, None)
    sd = float(array.std(ddof=1))
    if sd <= 1e-12 * max(1.0, np.abs(array).max()):  # equal values whose mean is rounded
        sd = 0.0
    if sd == 0 or count < LEAST:
        return Estimate(mean, sd, count, None, None, None)
    error = sd * np.sqrt(1 / count + ratio)
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * error)
    p = float(2 * stats.t.sf(abs(mean) / error, count - 1))
    return Estimate(mean, sd, count, mean - half, mean + half, p)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979), in the order given.

    Args:
        p_values: Of one family of comparisons. None, a comparison that could not be tested, counts in the family's
            size and stays None.

    Raises:
        DataError: One is no probability.
    """
    if strange := [p for p in p_values if p is not None and not 0 <= p <= 1]:
        raise DataError(
            "holm: p_values", "are not all from 0 to 1", found=strange, remedy="pass None where there is no p"
        )
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        corrected[index] = largest
    return corrected


def numbers(where: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """The values as an array (n,).

    Raises:
        DataError: There is none, or one that is no finite number within ``LARGEST``.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size or not (np.abs(array) <= LARGEST).all():  # nor NaN
        raise DataError(
            where,
            f"needs (n,) numbers from {-LARGEST:g} to {LARGEST:g}, n >= 1",
            found=array,
            remedy="pass a number for each",
        )
    return array

"""Probabilities that mean what they say: one temperature, fitted on walks that the network was not trained on.

Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, sections 3 and 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15  # as in the paper
WIDEST = 20.0  # temperatures from 1/20 to 20: beyond, probabilities are one class or all classes alike
PARTS = 5  # of the cross-fitting


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The T with the least mean negative log-likelihood of softmax(scores / T).

    Args:
        scores: (N, C) class scores before the softmax.
        labels: (N,) class ids.

    Returns:
        T, between 1/20 and 20.
    """

    def loss(log_temperature: float) -> float:
        likelihood = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(likelihood[np.arange(len(labels)), labels].mean())

    limit = float(np.log(WIDEST))
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error (ECE), equation 3 of the paper.

    Walks are binned by confidence, their highest probability, in bins of equal width over (0, 1]; the error is the
    mean over the walks of how far confidence and accuracy of their bin are apart. With few walks it reads too high,
    because the accuracy of a bin of few walks is far from its expectation.

    Args:
        probabilities: (N, C), rows that sum to 1.
        labels: (N,) class ids.
        bins: Number of bins.

    Returns:
        In [0, 1]; 0 is calibrated.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def person_parts(persons: Sequence[str], parts: int = PARTS) -> np.ndarray:
    """(N,) part of each walk, 0 to ``parts`` - 1 at most: persons dealt in turn, by their names."""
    names = sorted(set(persons))
    return np.array([names.index(person) % parts for person in persons])


def calibrate(scores: np.ndarray, labels: np.ndarray, persons: Sequence[str]) -> dict[str, float | int | None]:
    """Fit the temperature on walks of persons the network has not met, and say what it is worth.

    The error after is cross-fitted: each walk's temperature comes from other persons than its own, so that the number
    does not praise the fit to the very walks it was made on. The temperature given is fitted on all of them.

    Args:
        scores: (N, C) class scores before the softmax.
        labels: (N,) class ids.
        persons: Person of each walk.

    Returns:
        ``temperature``; ``ece_before`` and ``ece_after`` in [0, 1], the latter None where there is only one person;
        ``walks`` N.
    """
    part = person_parts(persons)
    after = None
    if len(set(part)) > 1:
        cooled = np.empty_like(scores)
        for held in set(part):
            cooled[part == held] = scores[part == held] / fit_temperature(scores[part != held], labels[part != held])
        after = calibration_error(softmax(cooled, axis=1), labels)
    return {
        "temperature": fit_temperature(scores, labels),
        "ece_before": calibration_error(softmax(scores, axis=1), labels),
        "ece_after": after,
        "walks": len(labels),
    }

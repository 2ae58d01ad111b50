"""Calibration: temperature and calibration error against plain NumPy, and what cross-fitting promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from mmgaitemo.apis.calibration import calibrate, calibration_error, fit_temperature, person_parts


def drawn(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels drawn from softmax(scores / temperature)."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 3, (count, 4))
    cumulated = softmax(scores / temperature, axis=1).cumsum(1)
    return scores, (cumulated < rng.random((count, 1))).sum(1)


def negative_log_likelihood(scores: np.ndarray, labels: np.ndarray) -> float:
    total = 0.0
    for row, label in zip(scores, labels, strict=True):
        total -= row[label] - np.log(np.exp(row).sum())
    return total / len(labels)


def error_by_hand(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> float:
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [i for i, row in enumerate(probabilities) if low < row.max() <= high]
        if inside:
            accuracy = np.mean([probabilities[i].argmax() == labels[i] for i in inside])
            confidence = np.mean([probabilities[i].max() for i in inside])
            total += len(inside) / len(labels) * abs(accuracy - confidence)
    return total


def test_temperature_has_the_least_loss_of_a_fine_grid() -> None:
    scores, labels = drawn(150, 1.7)
    grid = np.exp(np.linspace(np.log(0.3), np.log(6), 3000))
    best = grid[np.argmin([negative_log_likelihood(scores / t, labels) for t in grid[::10]]) * 10]
    assert fit_temperature(scores, labels) == pytest.approx(best, rel=0.02)


def test_temperature_undoes_a_factor() -> None:
    scores, labels = drawn(400, 1.0)
    assert fit_temperature(3 * scores, labels) == pytest.approx(3 * fit_temperature(scores, labels), rel=1e-3)


def test_temperature_that_made_the_labels_is_found_and_calibrates() -> None:
    scores, labels = drawn(20000, 2.5)
    temperature = fit_temperature(scores, labels)
    assert temperature == pytest.approx(2.5, rel=0.05)
    assert calibration_error(softmax(scores, axis=1), labels) > 0.1
    assert calibration_error(softmax(scores / temperature, axis=1), labels) < 0.02


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_is_that_of_a_plain_loop(bins: int) -> None:
    scores, labels = drawn(300, 2.0)
    probabilities = softmax(scores, axis=1)
    assert calibration_error(probabilities, labels, bins) == pytest.approx(error_by_hand(probabilities, labels, bins))


def test_calibration_error_of_the_certain() -> None:
    certain = np.eye(4)[[0, 1, 2, 3]]
    assert calibration_error(certain, np.array([0, 1, 2, 3])) == 0
    assert calibration_error(certain, np.array([1, 2, 3, 0])) == 1


def test_no_walk_is_cooled_by_a_temperature_of_its_own_person() -> None:
    scores, labels = drawn(120, 2.0)
    persons = [f"person{number % 8}" for number in range(120)]
    part = person_parts(persons)
    assert all(len({part[i] for i in range(120) if persons[i] == person}) == 1 for person in persons)
    cooled = scores.copy()
    for own in range(5):
        others = [i for i in range(120) if part[i] != own]
        cooled[part == own] /= fit_temperature(scores[others], labels[others])
    found = calibrate(scores, labels, persons)
    assert found["ece_after"] == pytest.approx(error_by_hand(softmax(cooled, axis=1), labels, 15))
    assert found["ece_before"] == pytest.approx(error_by_hand(softmax(scores, axis=1), labels, 15))
    assert found["temperature"] == fit_temperature(scores, labels)
    assert found["walks"] == 120


def test_one_person_tells_nothing_of_others() -> None:
    scores, labels = drawn(40, 2.0)
    found = calibrate(scores, labels, ["alone"] * 40)
    assert found["ece_after"] is None
    assert found["temperature"] > 0

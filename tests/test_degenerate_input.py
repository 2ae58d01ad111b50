"""Probes, whitening and statistics on too little: too few classes, no variance, numbers that overflow."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.evaluation import knn_scores
from mmgaitemo.evaluation.linear_probe import FEW_LABELS, STRENGTHS, choose_strength, linear_probe
from mmgaitemo.models.modules import NuisanceWhitening
from mmgaitemo.statistics import corrected_t, holm, paired_bootstrap, sign_flip
from mmgaitemo.study.protocols import KNN, Features, LinearProbe, UnfitError

# Linear probe


def noise(rows: int, width: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def study_features(labels: list[int], persons: list[str]) -> Features:
    ids = [f"w{row:02d}" for row in range(len(labels))]
    return Features(noise(len(labels)), torch.tensor(labels), ids, persons, noise(5), 3, None, Config(), seed=0)


def test_an_inner_fold_that_trains_on_one_class_chooses_nothing() -> None:
    """Without person 2 one class is left; where there is one class, or no label, it is so from the start."""
    assert choose_strength(noise(4), torch.tensor([0, 0, 1, 1]), ["2", "0", "2", "3"]) == FEW_LABELS
    assert choose_strength(noise(8), torch.ones(8, dtype=torch.long), list("ppqqrrss")) == FEW_LABELS
    assert choose_strength(noise(3), torch.full((3,), -1), list("pqr")) == FEW_LABELS


def test_a_strength_comes_out_however_persons_and_classes_fall() -> None:
    draw = np.random.default_rng(0)
    for seed in range(150):
        size = int(draw.integers(1, 13))
        labels = torch.from_numpy(draw.integers(int(draw.integers(1, 4)), size=size))
        persons = [str(person) for person in draw.integers(int(draw.integers(1, 7)), size=size)]
        assert choose_strength(noise(size, seed=seed), labels, persons) in STRENGTHS


def test_an_inner_fold_that_trains_on_two_of_three_classes_still_counts() -> None:
    """Who shows class 2 is left out of one of the two folds as a whole, and yet signal and noise are told apart."""
    labels, persons = torch.tensor([0, 0, 1, 1, 2, 2]), list("dbdaca")
    assert choose_strength(torch.eye(3, 4)[labels] * 3 + noise(6), labels, persons) == STRENGTHS[-1]
    assert choose_strength(noise(6), labels, persons) == STRENGTHS[0]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([-1, 2, -1, 2, 2], r"3 labelled of 5 walks, of classes \[2\], in rows \[1, 3, 4\]\."),
        ([0] * 7, r"7 labelled of 7 walks, of classes \[0\], in rows \[0, 1, 2, 3, 4\], and more"),
        ([-1, -1], r"0 labelled of 2 walks, of classes \[\]"),
    ],
)
def test_labels_of_fewer_than_two_classes_are_refused(labels: list[int], found: str) -> None:
    with pytest.raises(ConfigError, match=rf"two classes or more\. Found: {found}.*Remedy: label walks of another"):
        linear_probe(noise(len(labels)), torch.tensor(labels), noise(3), 3, 0.1)


def test_a_person_who_shows_one_class_is_refused_by_a_study_that_asks_for_single_persons() -> None:
    features = study_features([0, 1, 2, 1, 1, 0], list("aaabbc"))
    with pytest.raises(ConfigError, match=r"2 labelled of 6 walks, of classes \[1\], in rows \[3, 4\].*persons"):
        LinearProbe(persons=1).run(features)
    assert LinearProbe(persons=3).run(features)[0].shape == (1, 5, 3)


# kNN probe


@pytest.mark.parametrize("temperature", [1e-50, 1e-39, 5e-324, 0.0, -1.0, math.nan])
def test_a_temperature_that_no_similarity_can_be_divided_by_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigError, match=r"temperature: must be at least 3e-39\. Found: .* Remedy: 0\.1 is usual"):
        knn_scores(noise(9), torch.arange(9) % 3, noise(9), 3, temperature=temperature)


def test_a_study_is_told_of_it_too() -> None:
    with pytest.raises(UnfitError, match="temperature"):
        KNN(temperature=1e-50)


def test_the_least_temperature_gives_the_vote_to_the_nearest() -> None:
    walks, labels = noise(9), torch.arange(9) % 3
    scores = knn_scores(walks, labels, walks, 3, temperature=3e-39)
    assert torch.equal(scores, torch.eye(3)[labels])


# Whitening

PERSONS = [f"p{row // 8}" for row in range(24)]
WALKS = [f"w{row // 2}" for row in range(24)]


@pytest.mark.parametrize("key", ["sensors", "persons"])
@pytest.mark.parametrize("value", ["1", None, [1.0], math.nan, math.inf, -0.5])
def test_a_weight_that_is_no_finite_number_is_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"NuisanceWhitening\.{key}: must be a finite.*Found: .*Remedy: sensors=1"):
        NuisanceWhitening(4, **{key: value})


@pytest.mark.parametrize(
    ("features", "settings"),
    [
        (torch.full((24, 4), 3.0), {}),
        (noise(12).repeat_interleave(2, 0), {"persons": 0.0}),
        (noise(8).repeat(3, 1), {"sensors": 0.0}),
        (noise(24).index_fill(0, torch.tensor([3]), math.nan), {}),
    ],
    ids=["constant features", "identical sensors", "identical persons", "NaN"],
)
def test_features_without_any_nuisance_are_refused(features: torch.Tensor, settings: dict[str, float]) -> None:
    whitening = NuisanceWhitening(4, **settings)
    with pytest.raises(ConfigError, match=r"differ by neither sensors nor persons.*mean variance .*Remedy: look for"):
        whitening.fit(features, PERSONS, WALKS)
    assert torch.equal(whitening.matrix, torch.eye(4)) and not whitening.centre.any()


def test_a_nuisance_of_rounding_alone_is_none() -> None:
    copies = noise(8).repeat_interleave(3, 0)  # the mean of three equal numbers is off by a last digit
    walks = [f"w{row // 3}" for row in range(24)]
    with pytest.raises(ConfigError, match="differ by neither"):
        NuisanceWhitening(4, persons=0.0).fit(copies, PERSONS, walks)


def test_sensors_that_are_identical_leave_the_persons_to_be_whitened() -> None:
    features = noise(12).repeat_interleave(2, 0)
    both, alone = NuisanceWhitening(4), NuisanceWhitening(4, sensors=0.0)
    for whitening in (both, alone):
        whitening.fit(features, PERSONS, WALKS)
    assert both.matrix.isfinite().all() and torch.equal(both.matrix, alone.matrix)


@pytest.mark.parametrize("settings", [{"shrinkage": 1e-20}, {"sensors": 1e300}, {"sensors": 1e-300, "persons": 0.0}])
def test_settings_whose_map_cannot_be_computed_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"no inverse root.*Found: shrinkage=.*sensors=.*persons="):
        NuisanceWhitening(40, **settings).fit(noise(24, 40), PERSONS, WALKS)


# Statistics


def found_by_all(values: list[float]) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = [corrected_t(values, 0.25), sign_flip(values), paired_bootstrap(values)]
    return [number for result in results for number in vars(result).values()]


@pytest.mark.parametrize(
    "values", [[0.1], [0.1, 0.2], [0.1] * 2, [0.0] * 5, [0.1] * 20, [1e-310, 2e-310, 4e-310], [1e100, -1e100, 0.5]]
)
def test_few_equal_and_extreme_values_give_no_warning_and_no_nan(values: list[float]) -> None:
    assert all(number is None or math.isfinite(number) for number in found_by_all(values))


@pytest.mark.parametrize("values", [[1e308, -1e308, 1e308], [1e155, 0.0, -1e155], [math.inf, 1.0], [math.nan] * 3])
def test_values_whose_squares_overflow_are_refused(values: list[float]) -> None:
    for test in (lambda v: corrected_t(v, 0.25), sign_flip, paired_bootstrap):
        with pytest.raises(DataError, match=r"needs \(n,\) numbers from -1e\+100 to 1e\+100"):
            test(values)


@pytest.mark.parametrize("strange", [math.nan, -0.1, 1.1, math.inf])
def test_holm_takes_probabilities_alone(strange: float) -> None:
    """A NaN among them would have made 0.01 and 0.02 to 1, silently."""
    with pytest.raises(DataError, match=r"not all from 0 to 1\. Found: \["):
        holm([strange, 0.01, None, 0.02])

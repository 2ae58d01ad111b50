from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.statistics import corrected_t, holm, paired_bootstrap, sign_flip
from mmgaitemo.statistics.comparisons import FEW_SEED_NOISE

# Corrected t


def test_without_shared_training_walks_it_is_the_usual_t_test() -> None:
    values = np.random.default_rng(0).normal(0.02, 0.05, size=12)
    found, expected = corrected_t(values, 0.0), stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (found.mean, found.sd, found.n) == pytest.approx((values.mean(), values.std(ddof=1), 12))


def test_the_variance_of_the_mean_is_that_of_nadeau_and_bengio() -> None:
    values = np.random.default_rng(1).normal(0.04, 0.05, size=25)
    found = corrected_t(values, 68 / 274)
    error = np.sqrt((1 / 25 + 68 / 274) * np.var(values, ddof=1))
    assert found.high is not None
    assert found.high - found.mean == pytest.approx(2.0639 * error, rel=1e-4)  # t of 24 degrees, from a printed table
    assert found.p == pytest.approx(2 * stats.t(24).cdf(-abs(values.mean()) / error))


@pytest.mark.parametrize("values", [[0.1], [0.05, 0.15], [0.1, 0.1, 0.1], [0.3 - 0.2, 0.1, 0.2 - 0.1]])
def test_values_without_spread_and_two_values_have_a_mean_and_no_interval(values: list[float]) -> None:
    found = corrected_t(values, 0.25)
    assert found.mean == pytest.approx(0.1)
    assert found.low is found.high is found.p is None


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [[0.1]]])
def test_what_is_no_list_of_numbers_is_refused(values: list) -> None:
    for test in (lambda v: corrected_t(v, 0.25), sign_flip, paired_bootstrap):
        with pytest.raises(DataError):
            test(values)
    with pytest.raises(ConfigError, match="n_test / n_train"):
        corrected_t([0.1, 0.2], -0.1)


def rates(differences: np.ndarray, ratio: float) -> float:
    """Share of (N, J) experiments in which a 5 % test says that the methods differ."""
    return float(np.mean([corrected_t(row, ratio).p < 0.05 for row in differences.reshape(len(differences), -1)]))


def accuracy(x: np.ndarray, y: np.ndarray, train: np.ndarray, rng: np.random.Generator) -> float:
    """A random hidden layer and a ridge classifier: the seed matters, as in training."""
    hidden = np.tanh(x @ rng.normal(size=(8, 12)) / np.sqrt(8) + rng.normal(size=12))
    mean = hidden[train].mean(axis=0)
    a, targets = hidden - mean, np.eye(4)[y] - np.eye(4)[y[train]].mean(axis=0)
    weights = np.linalg.solve(a[train].T @ a[train] + np.eye(12), a[train].T @ targets[train])
    bias = np.eye(4)[y[train]].mean(axis=0)
    return float(np.mean((a[~train] @ weights + bias).argmax(axis=1) == y[~train]))


def test_of_two_equal_learners_the_naive_test_prefers_one_far_too_often_and_the_corrected_one_does_not() -> None:
    rng = np.random.default_rng(2)
    differences = np.empty((250, 5, 3))
    for experiment in differences:
        y, centres = rng.integers(4, size=340), 0.45 * rng.normal(size=(4, 8))
        views = [centres[y] + rng.normal(size=(340, 8)) for _ in range(2)]  # equally good, of different noise
        folds = rng.permutation(np.arange(340) % 5)
        for fold, seed in product(range(5), range(3)):
            one, other = (accuracy(x, y, folds != fold, rng) for x in views)
            experiment[fold, seed] = one - other
    assert rates(differences, 0.0) > 0.2
    assert rates(differences, 0.25) < 0.08


def test_where_seeds_hardly_matter_the_test_over_folds_is_the_one_to_trust() -> None:
    rng = np.random.default_rng(3)
    shared, folds = np.sqrt(0.1) * rng.normal(size=(1200, 1, 1)), np.sqrt(0.9) * rng.normal(size=(1200, 5, 1))
    for noise, liberal in ((0.0, True), (2 * FEW_SEED_NOISE, False)):
        differences = shared + folds + np.sqrt(noise) * rng.normal(size=(1200, 5, 5))
        assert (rates(differences, 0.25) > 0.08) == liberal
        assert rates(differences.mean(axis=2), 0.25) < 0.05


# Holm


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005, 0.6]
    every = [s for size in range(1, 6) for s in combinations(range(5), size)]

    def closed(index: int) -> float:
        return max(min(1.0, len(s) * min(p_values[i] for i in s)) for s in every if index in s)

    assert holm(p_values) == pytest.approx([closed(index) for index in range(5)])


def test_an_untestable_comparison_counts_in_the_family() -> None:
    assert holm([0.01, None, 0.04]) == [pytest.approx(0.03), None, pytest.approx(0.08)]
    assert holm([]) == []


# Sign flips


def test_sign_flips_agree_with_scipy() -> None:
    rng = np.random.default_rng(4)
    for size in (3, 5, 8):
        values = rng.normal(0.5, 1, size=size)
        result = stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        assert sign_flip(values).p == pytest.approx(result.pvalue)


def test_five_folds_cannot_give_less_than_a_sixteenth() -> None:
    found = sign_flip([0.1, 0.2, 0.3, 0.1, 0.2])
    assert found.p == found.smallest == 1 / 16 and found.exact
    assert sign_flip([0.0, 0.0, 0.0]).p == 1


def test_many_folds_are_drawn_and_come_near_the_exact_p() -> None:
    values = np.random.default_rng(5).normal(0.3, 1, size=16)
    signs = np.array(list(product((1, -1), repeat=16)))
    exact = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-12)
    found = sign_flip(values)
    assert not found.exact and found.p == pytest.approx(exact, abs=0.015)
    assert sign_flip(np.ones(20)).p >= 1 / 10_001  # the observed pattern is one of them: p is never zero
    assert found == sign_flip(values)


# Bootstrap


def test_walks_are_drawn_as_scipy_draws_them() -> None:
    differences = np.random.default_rng(6).choice([-1, -1 / 3, 0, 2 / 3, 1], size=300)
    expected = stats.bootstrap(
        (differences,), np.mean, method="percentile", n_resamples=5000, rng=np.random.default_rng(0)
    ).confidence_interval
    found = paired_bootstrap(differences)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.006)
    assert (found.units, found.persons) == (300, False)


def test_persons_are_drawn_with_all_their_walks() -> None:
    rng = np.random.default_rng(7)
    persons = rng.integers(30, size=300)
    differences = rng.normal(size=30)[persons] + 0.1 * rng.normal(size=300)
    means = []
    for _ in range(4000):
        drawn = rng.choice(np.unique(persons), size=len(np.unique(persons)))
        means.append(np.concatenate([differences[persons == person] for person in drawn]).mean())
    found = paired_bootstrap(differences, [f"person {person}" for person in persons])
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.04)
    assert (found.units, found.persons) == (len(np.unique(persons)), True)
    alone = paired_bootstrap(differences)
    assert found.high - found.low > 2 * (alone.high - alone.low)  # walks of a person say the same
    equal = paired_bootstrap([0.5] * 40, ["one"] * 30 + [f"other {number}" for number in range(10)])
    assert equal.low == equal.high == 0.5  # however many walks the drawn persons have
    with pytest.raises(DataError, match="groups"):
        paired_bootstrap(differences, ["one"])

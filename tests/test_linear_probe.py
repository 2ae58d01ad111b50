"""The linear probe against scikit-learn, and where its strength is chosen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mmgaitemo.evaluation.linear_probe import FEW_LABELS, STRENGTHS, choose_strength, linear_probe, smoothed
from mmgaitemo.evaluation.scores import classification_metrics


def clusters(walks: int, noise: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Features of three classes, and six persons each of whom shows every class."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(walks) % 3
    centres = torch.eye(3, 20) * 2
    return (
        centres[labels] + noise * torch.randn(walks, 20, generator=draw),
        labels,
        [f"p{i // 3 % 6}" for i in range(walks)],
    )


def test_equals_logistic_regression_on_standardised_features() -> None:
    features, labels, _ = clusters(90, 1.0)
    queries, _, _ = clusters(30, 1.0, seed=1)
    mean, deviation = features.double().mean(0), features.double().std(0, unbiased=False)
    reference = LogisticRegression(C=0.1, max_iter=2000).fit((features - mean) / deviation, labels)
    expected = reference.predict_proba((queries - mean) / deviation)
    assert np.allclose(linear_probe(features, labels, queries, 3, 0.1).numpy(), expected, atol=1e-6)


def test_unlabelled_walks_change_nothing_and_an_absent_class_gets_nothing() -> None:
    features, labels, groups = clusters(60, 1.0)
    hidden = torch.where(labels == 2, -1, labels)
    scores = linear_probe(features, hidden, features, 3, 0.1)
    alone = linear_probe(features[labels < 2], labels[labels < 2], features, 3, 0.1)
    assert torch.equal(scores, alone)
    assert (scores[:, 2] == 0).all()
    known = [row for row, label in enumerate(hidden.tolist()) if label >= 0]
    assert choose_strength(features, hidden, groups) == choose_strength(
        features[known], hidden[known], [groups[row] for row in known]
    )


def test_noise_asks_for_a_stronger_penalty_than_signal() -> None:
    clear, labels, groups = clusters(180, 0.5)
    noise = torch.randn(180, 20, generator=torch.Generator().manual_seed(3))
    assert choose_strength(noise, labels, groups) < 0.01
    assert choose_strength(clear, labels, groups) > 0.1


def test_no_person_is_on_both_sides_of_an_inner_fold() -> None:
    """Each person's label can be read off its own features alone: only a leak makes a weak penalty look good."""
    draw = torch.Generator().manual_seed(0)
    persons = torch.arange(120) // 10
    labels = torch.randint(0, 2, (12,), generator=draw)[persons]
    names = torch.nn.functional.one_hot(persons).float() * 5
    groups = [f"p{person}" for person in persons.tolist()]
    leaky = [f"walk{i}" for i in range(120)]
    assert choose_strength(names, labels, groups) == STRENGTHS[0]
    assert choose_strength(names, labels, leaky) == STRENGTHS[-1]


@pytest.mark.parametrize("labelled", [3, 4])
def test_too_few_labels_choose_nothing(labelled: int) -> None:
    features, labels, groups = clusters(60, 1.0)
    labels[labelled:] = -1
    assert choose_strength(features, labels, groups) == FEW_LABELS


def test_smoothed_probabilities_are_positive_and_sum_to_one() -> None:
    scores = smoothed(np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]]))
    assert (scores > 0).all()
    assert np.allclose(scores.sum(1), 1)


def test_metrics_of_a_known_table() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    scores = np.eye(4)[[0, 0, 1, 1, 1, 0]]
    metrics = classification_metrics(truth, scores)
    assert metrics["accuracy"] == pytest.approx(4 / 6)
    assert metrics["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0.8 + 0) / 3)  # class 3 is nowhere and does not count

"""The linear probe: logistic regression on fixed features, its strength chosen inside the labelled walks."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from mmgaitemo.errors import ConfigError

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # inverse regularisation, scikit-learn's C
FEW_LABELS = 0.03  # the strength where there are too few labels to choose one
INNER_FOLDS = 4


def linear_probe(bank: Tensor, bank_labels: Tensor, queries: Tensor, num_classes: int, strength: float) -> Tensor:
    """Class probabilities (N, num_classes) by L2-regularised logistic regression on standardised features.

    Args:
        bank: (B, D) features of the labelled training walks.
        bank_labels: (B,) their classes; negative means unlabelled, such walks are left out.
        queries: (N, D).
        num_classes: Classes; one without a labelled walk has probability 0.
        strength: Inverse of the regularisation (scikit-learn's ``C``).

    Raises:
        ConfigError: The labelled walks are not of two classes or more.
    """
    labelled = bank_labels >= 0
    if len(classes := bank_labels[labelled].unique().tolist()) < 2:
        rows = labelled.nonzero().flatten().tolist()
        more = ", and more" if len(rows) > 5 else ""
        raise ConfigError(
            "linear probe, labelled training walks",
            "need two classes or more",
            found=f"{len(rows)} labelled of {len(bank)} walks, of classes {classes}, in rows {rows[:5]}{more}",
            remedy="label walks of another class; with LinearProbe.persons, ask for so many persons that every choice "
            "of them shows two classes",
        )
    model = _fit(bank[labelled].double().numpy(), bank_labels[labelled].numpy(), strength)
    return torch.from_numpy(_probabilities(model, queries.double().numpy(), num_classes))


def choose_strength(features: Tensor, labels: Tensor, groups: Sequence[str]) -> float:
    """The one of ``STRENGTHS`` with the lowest log-loss on persons left out of the labelled training walks.

    Args:
        features: (B, D) of the training walks; those with a negative label are left out.
        labels: (B,).
        groups: Person of each: none is on both sides of an inner fold.

    Returns:
        ``FEW_LABELS`` where a class has fewer than two labelled persons, so that nothing can be left out, and where
        the walks that an inner fold leaves to train on are of fewer than two classes.
    """
    rows = [row for row, label in enumerate(labels.tolist()) if label >= 0]
    x, y = features[rows].double().numpy(), labels[rows].numpy()
    persons = np.array([groups[row] for row in rows])
    persons_of_class = [len(set(persons[y == label])) for label in set(y.tolist())]
    folds = min(INNER_FOLDS, *persons_of_class, min(Counter(y.tolist()).values(), default=0))
    if folds < 2:
        return FEW_LABELS
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    num_classes = int(y.max()) + 1
    losses = np.zeros(len(STRENGTHS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn's, of classes too small for a perfect deal
        splits = list(splitter.split(x, y, persons))
    if any(len(set(y[known].tolist())) < 2 for known, _ in splits):
        return FEW_LABELS
    for known, unknown in splits:
        for place, strength in enumerate(STRENGTHS):
            scores = _probabilities(_fit(x[known], y[known], strength), x[unknown], num_classes)
            losses[place] += log_loss(y[unknown], smoothed(scores), labels=range(num_classes)) * len(unknown)
    return STRENGTHS[int(losses.argmin())]


def smoothed(scores: np.ndarray, floor: float = 1e-6) -> np.ndarray:
    """Probabilities (N, C) none of which is 0, so that a single certain mistake does not cost an infinite loss."""
    raised = np.clip(scores, floor, None)
    return raised / raised.sum(1, keepdims=True)


def _fit(features: np.ndarray, labels: np.ndarray, strength: float) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000)).fit(features, labels)


def _probabilities(model: Pipeline, queries: np.ndarray, num_classes: int) -> np.ndarray:
    scores = np.zeros((len(queries), num_classes))
    scores[:, model.classes_] = model.predict_proba(queries)
    return scores

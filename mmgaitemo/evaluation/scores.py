"""How good scores are: the figures that every protocol reports."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score


def classification_metrics(truth: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Accuracy, balanced accuracy and macro-F1, shares in [0, 1].

    Args:
        truth: (N,) class ids.
        scores: (N, C), the highest wins.

    Returns:
        The F1 of a class that nobody predicts is 0; a class neither present nor predicted does not count.
    """
    predicted = scores.argmax(1)
    present = np.unique(np.concatenate([truth, predicted]))
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, predicted)),
        "macro_f1": float(f1_score(truth, predicted, labels=present, average="macro", zero_division=0)),
    }

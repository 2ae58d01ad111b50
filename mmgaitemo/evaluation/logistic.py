"""The linear probe without a training run: logistic regression on fixed features."""

from __future__ import annotations

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor


def logistic_probe(bank: Tensor, bank_labels: Tensor, queries: Tensor, strength: float = 0.05) -> Tensor:
    """Classes (N,) int64 of the queries by L2-regularised logistic regression on standardised features.

    Deterministic and a matter of milliseconds, where ``configs/downstream/linear_*.py`` trains by gradient descent.

    Args:
        bank: (B, D) features of the labelled training walks.
        bank_labels: (B,) their classes; negative means unlabelled, such walks are left out.
        queries: (N, D).
        strength: Inverse of the regularisation (scikit-learn's ``C``).
    """
    labelled = bank_labels >= 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    model.fit(bank[labelled].numpy(), bank_labels[labelled].numpy())
    return torch.from_numpy(model.predict(queries.numpy()))

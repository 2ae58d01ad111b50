"""How unlike the training walks a walk is; and from where on a model should not say anything.

Two distances, of which the larger counts:

- in the encoder's features, that of Mahalanobis to the nearest class mean, with one covariance for all classes (Lee,
  Lee, Lee & Shin, "A Simple Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018, equation 1);
- the same of three numbers of how the joints move, because an encoder that was trained to know a walk in spite of
  jitter and missing frames hardly sees that its frames are out of order. The numbers see that, and nothing of poses.

A few hundred walks do not determine the covariance of a hundred features, so it is shrunk (Ledoit & Wolf, Journal of
Multivariate Analysis 88, 2004).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from sklearn.covariance import LedoitWolf
from torch import Tensor

from mmgaitemo.apis.calibration import person_parts

QUANTILE = 0.95
STILL = 1e-3  # trunk lengths per frame: slower is no movement


def movement(inputs: Tensor) -> Tensor:
    """(N, 3): logarithm of the mean speed, acceleration and jerk of all joints, per frame.

    Args:
        inputs: (N, 3, T, V) positions as the model's pipeline leaves them, T at least 4.
    """
    numbers, change = [], inputs
    for _ in range(3):
        change = change[:, :, 1:] - change[:, :, :-1]
        numbers.append((change.square().sum(1).sqrt().mean((1, 2)) + STILL).log())
    return torch.stack(numbers, 1)


@dataclass(frozen=True)
class Cloud:
    """Points of one or several classes that are spread alike.

    Args:
        means: (C, d) float32.
        whitening: (d, d) float32; what it makes of differences to a mean has the same spread in every direction.
    """

    means: Tensor
    whitening: Tensor

    def distance(self, points: Tensor) -> Tensor:
        """(N, d) to (N,): distance from the nearest mean."""
        return ((points.float()[:, None] - self.means) @ self.whitening).square().sum(2).amin(1).sqrt()

    def nearer(self, times: float) -> Cloud:
        """The same with all distances divided by a number."""
        return Cloud(self.means, self.whitening / times)


@dataclass(frozen=True)
class Novelty:
    """The training walks as clouds, and where they end.

    Args:
        encoder: Of the features of the encoder, a mean for each class.
        movement: Of the numbers of ``movement``, one mean.
        threshold: Distance beyond which a model abstains; near 1.
        quantile: Share of held-out walks, of persons the model has not met, that are no farther than that. Each person
            counts the same, so that one who walked often, or a set of strangers that counts as one, does not set it.
    """

    encoder: Cloud
    movement: Cloud
    threshold: float
    quantile: float

    def distance(self, features: Tensor, inputs: Tensor) -> Tensor:
        """How far from the training walks: 0 or more, 1 at about the edge of what held-out walks reach.

        Args:
            features: (N, d) of ``GaitClassifier.extract_feat``.
            inputs: (N, 3, T, V) of the same walks, as the model's pipeline leaves them.

        Returns:
            (N,) float32.
        """
        return torch.maximum(self.encoder.distance(features), self.movement.distance(movement(inputs)))

    def as_dict(self) -> dict[str, Any]:
        """What a published model stores."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Novelty:
        """Its inverse."""
        clouds = {name: Cloud(**stored[name]) for name in ("encoder", "movement")}
        return cls(**clouds, threshold=float(stored["threshold"]), quantile=float(stored["quantile"]))


def fit_cloud(points: Tensor, labels: Tensor) -> Cloud:
    """The cloud of (N, d) points, a mean for each label in (N,); negative labels are left out."""
    known = labels >= 0
    values, classes = points[known].double().numpy(), np.unique(labels[known].numpy(), return_inverse=True)[1]
    means = np.stack([values[classes == number].mean(0) for number in range(classes.max() + 1)])
    apart = values - means[classes]
    scale = apart.std(0) + 1e-6  # the shrinkage draws all features towards one variance: they need a common one
    precision = LedoitWolf(assume_centered=True).fit(apart / scale).precision_
    whitening = np.linalg.cholesky(precision) / scale[:, None]
    return Cloud(torch.from_numpy(means).float(), torch.from_numpy(whitening).float())


def fit_novelty(
    features: Tensor, inputs: Tensor, labels: Tensor, held_features: Tensor, held_inputs: Tensor, persons: Sequence[str]
) -> tuple[Novelty, float | None]:
    """Learn what walks are like, and set the threshold on walks of persons that the model has not met.

    Args:
        features: (N, d) of the training walks.
        inputs: (N, 3, T, V) of the training walks.
        labels: (N,) class ids; unlabelled ones (-1) are left out.
        held_features: (M, d) of the held-out walks.
        held_inputs: (M, 3, T, V) of the held-out walks.
        persons: Person of each held-out walk.

    Returns:
        The novelty; and the share of the held-out walks abstained on where the threshold comes from other persons than
        the walk's own, None where there is only one person. (On those that set it, it is 1 - ``QUANTILE`` of the
        persons' weight by construction.)
    """
    encoder = fit_cloud(features, labels)
    moving = fit_cloud(movement(inputs), torch.zeros(len(inputs), dtype=torch.int64))
    pair = (encoder.distance(held_features), moving.distance(movement(held_inputs)))
    distances = torch.stack(pair, 1).double().numpy()
    limits, threshold = _edge(distances, persons)
    novelty = Novelty(encoder.nearer(limits[0]), moving.nearer(limits[1]), threshold, QUANTILE)
    part = person_parts(persons)
    if len(set(part)) == 1:
        return novelty, None
    beyond = np.empty(len(part), dtype=bool)
    for held in set(part):
        others = [person for person, own in zip(persons, part, strict=True) if own != held]
        limits, threshold = _edge(distances[part != held], others)
        beyond[part == held] = (distances[part == held] / limits).max(1) > threshold
    return novelty, float(beyond.mean())


def _edge(distances: np.ndarray, persons: Sequence[str]) -> tuple[np.ndarray, float]:
    """Of (M, 2) distances the quantile of each, and that of the larger one where both are divided by theirs."""
    walks = Counter(persons)
    weights = np.array([1 / walks[person] for person in persons])
    limits = np.array([_quantile(column, weights) for column in distances.T])
    return limits, _quantile((distances / limits).max(1), weights)


def _quantile(values: np.ndarray, weights: np.ndarray) -> float:
    """The least of the values with at least the share ``QUANTILE`` of the weight at or below it."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(shares, QUANTILE - 1e-9)])

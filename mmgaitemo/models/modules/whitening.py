"""A linear map fitted to unlabelled walks, after which persons and sensors are told apart less."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.losses.checks import check_positive
from mmgaitemo.registry import MODELS

FLAT = 1e-6  # a feature with a smaller deviation over the training walks says nothing, and is set to 0


@MODELS.register_module()
class NuisanceWhitening(nn.Module):
    """Shrinks the directions in which features differ for reasons other than how one walks: (N, D) to (N, D).

    Recordings of one walk by several sensors differ by the sensors alone, and the mean features of persons by who they
    are, where each shows all ways of walking. With z the standardised features,

        W = covariance of z within walks that were recorded more than once
        B = covariance of the persons' means of z
        C = sensors W + persons B
        h' = (C + shrinkage tr(C) / D I)^(-1/2) z

    No label is used; persons and walks are named by the recordings. Speaker recognition knows W as within-class
    covariance normalisation (Hatch, Kajarekar and Stolcke 2006) and the removal of B as nuisance attribute projection
    (Solomonoff, Campbell and Boardman 2005). Until ``fit`` it is the identity. ``WhiteningHook`` fits it after the last
    epoch. Part of this project; the paper has none.

    Args:
        num_features: D.
        sensors: Weight of W, 0 or more; 0 leaves it out.
        persons: Weight of B, 0 or more; 0 leaves it out. Where persons differ in what they show, as in a data set in
            which one person was only ever sad, B holds what is to be learned, and 0 is right.
        shrinkage: Share of the mean variance of C that is added to every direction, above 0.

    Raises:
        ConfigError: A setting out of its range.
    """

    def __init__(self, num_features: int, sensors: float = 1.0, persons: float = 3.0, shrinkage: float = 0.03) -> None:
        super().__init__()
        check_positive("NuisanceWhitening.shrinkage", shrinkage, "0.03 is usual")
        for key, weight in (("sensors", sensors), ("persons", persons)):
            if not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
                raise ConfigError(
                    f"NuisanceWhitening.{key}",
                    "must be a finite number of at least 0",
                    found=repr(weight),
                    remedy="sensors=1 and persons=3 are usual",
                )
        if sensors + persons == 0:
            raise ConfigError(
                "NuisanceWhitening",
                "sensors and persons must be at least 0, and one of them above",
                found=f"sensors={sensors}, persons={persons}",
                remedy="1 and 3 are usual",
            )
        self.sensors, self.persons, self.shrinkage = sensors, persons, shrinkage
        self.centre: Tensor
        self.matrix: Tensor
        self.register_buffer("centre", torch.zeros(num_features))
        self.register_buffer("matrix", torch.eye(num_features))

    def reset(self) -> None:
        """Be the identity again."""
        self.centre.zero_()
        self.matrix.copy_(torch.eye(len(self.centre)))

    def check(self, persons: Sequence[str], walks: Sequence[str]) -> None:
        """Whether these recordings tell what is to be removed: known before an encoder is trained on them.

        Args:
            persons: Of each of the N recordings.
            walks: The walk that each shows.

        Raises:
            ConfigError: W is asked for and no walk was recorded twice, or B and there is one person only.
        """
        if self.sensors and len(set(walks)) == len(walks):
            raise ConfigError(
                "NuisanceWhitening.sensors",
                "no walk was recorded more than once",
                found=f"{len(walks)} walks",
                remedy="set walk_pattern of the data set, or sensors=0",
            )
        if self.persons and len(set(persons)) < 2:
            raise ConfigError(
                "NuisanceWhitening.persons",
                "needs two persons or more",
                found=f"{len(set(persons))}",
                remedy="name the persons of the data set (group, person_pattern), or set persons=0",
            )

    @torch.no_grad()
    def fit(self, features: Tensor, persons: Sequence[str], walks: Sequence[str]) -> None:
        """Fit to training walks.

        Args:
            features: (N, D) as they come in, before any whitening.
            persons: Of each of the N recordings.
            walks: The walk that each shows.

        Raises:
            ConfigError: See ``check``; or the features differ by neither persons nor sensors, as constant ones do; or
                the settings are so small or large that the map cannot be computed.
        """
        self.check(persons, walks)
        x = features.double()
        centre, deviation = x.mean(0), x.std(0)
        scale = torch.where(deviation > FLAT, 1 / deviation.clamp(min=FLAT), 0.0)
        z = (x - centre) * scale
        total = torch.zeros(z.shape[1], z.shape[1], dtype=z.dtype)
        if self.sensors:
            total += self.sensors * _within(z, walks)
        if self.persons:
            total += self.persons * _between(z, persons)
        # One constant feature is no error: it has no variance and its z is 0. But a C of 0 has no inverse root, and one
        # of rounding alone (copies of a recording come out 1e-17 apart) would blow that up to features.
        variance = float(total.trace()) / len(total)
        if not FLAT**2 * (self.sensors + self.persons) < variance < math.inf:
            raise ConfigError(
                "NuisanceWhitening",
                "the training walks' features differ by neither sensors nor persons, or are not finite",
                found=f"mean variance {variance:g} of C, with sensors={self.sensors} and persons={self.persons}",
                remedy="look for features that are constant or NaN and for copies of one recording, or leave it out",
            )
        values, vectors = torch.linalg.eigh(total + self.shrinkage * total.trace() / len(total) * torch.eye(len(total)))
        matrix = (scale[:, None] * (vectors * values.rsqrt()) @ vectors.T).to(self.matrix)
        if not matrix.isfinite().all() or not matrix.any():
            raise ConfigError(
                "NuisanceWhitening",
                "no inverse root of C can be computed with these settings",
                found=f"shrinkage={self.shrinkage}, sensors={self.sensors}, persons={self.persons}",
                remedy="0.03, 1 and 3 are usual",
            )
        self.centre.copy_(centre)
        self.matrix.copy_(matrix)

    def forward(self, features: Tensor) -> Tensor:
        """(N, D) to (N, D)."""
        return (features - self.centre) @ self.matrix


def _means(z: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean of each name (G, D), place of each row's name (N,), and how often each name is there (G,)."""
    _, places, counts = np.unique(np.asarray(names), return_inverse=True, return_counts=True)
    rows, sizes = torch.from_numpy(places), torch.from_numpy(counts)
    sums = torch.zeros(len(sizes), z.shape[1], dtype=z.dtype).index_add_(0, rows, z)
    return sums / sizes[:, None], rows, sizes


def _within(z: Tensor, walks: Sequence[str]) -> Tensor:
    means, rows, sizes = _means(z, walks)
    again = sizes[rows] > 1
    rest = (z - means[rows])[again]
    return rest.T @ rest / (int(again.sum()) - int((sizes > 1).sum()))


def _between(z: Tensor, persons: Sequence[str]) -> Tensor:
    return _means(z, persons)[0].T.cov()

"""Kinematics as targets: the same for a walk and its mirror image, standardised."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.kinematics import MIRROR, MIRROR_SIGN, NAMES

CLIP = 5.0  # standard deviations
_IQR = 1.349  # interquartile range of a normal distribution with standard deviation 1


class KinematicTargets(nn.Module):
    """(N, D) kinematics of the recordings to (N, D) targets.

    Whether a view was mirrored is a coin inside the view, so the targets are those that a mirror leaves alone. With
    m = ``MIRROR_SIGN * k[MIRROR]``, the features of the mirrored walk, each becomes

        (k + m) / 2   where it belongs to no side, and in the place of the left one of a pair
        |k - m| / 2   where its sign says left or right, and in the place of the right one of a pair

    so that of a pair the mean and the difference stay, without which is which. Then

        t = clip((k - median) / (IQR / 1.349), -5, 5)

    with the medians and interquartile ranges of the training walks, which ``KinematicsHook`` takes before the first
    step. They lie in buffers: a resumed run goes on with the same targets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.centre: Tensor
        self.spread: Tensor
        self.order: Tensor
        self.sign: Tensor
        self.apart: Tensor
        self.register_buffer("centre", torch.zeros(len(NAMES)))
        self.register_buffer("spread", torch.ones(len(NAMES)))
        order, sign = torch.from_numpy(MIRROR), torch.from_numpy(MIRROR_SIGN).float()
        place = torch.arange(len(order))
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("sign", sign, persistent=False)
        self.register_buffer("apart", (order < place) | ((order == place) & (sign < 0)), persistent=False)
        self.ready = False  # whether centre and spread are those of training walks

    def without_side(self, kinematics: Tensor) -> Tensor:
        """(N, D) what a mirror leaves alone."""
        mirrored = self.sign * kinematics.index_select(1, self.order)
        return torch.where(self.apart, (kinematics - mirrored).abs(), kinematics + mirrored) / 2

    @torch.no_grad()
    def fit(self, kinematics: Tensor) -> None:
        """Take the statistics of the training walks (N, D).

        Raises:
            ConfigError: These are other features.
        """
        if kinematics.ndim != 2 or kinematics.shape[1] != len(NAMES):
            raise ConfigError(
                "train_dataloader.dataset.pipeline.kinematics",
                f"the model's targets are the {len(NAMES)} numbers of mmgaitemo.kinematics",
                found=tuple(kinematics.shape),
                remedy="use dict(type='Kinematics')",
            )
        values = self.without_side(kinematics.to(self.centre.device)).double()
        low, middle, high = torch.quantile(values, torch.tensor([0.25, 0.5, 0.75]).to(values), dim=0)
        spread = (high - low) / _IQR
        deviation = values.std(dim=0, correction=0)
        spread = torch.where(spread > 1e-6, spread, deviation)  # more than half of the walks agree
        self.centre.copy_(middle)
        self.spread.copy_(torch.where(spread > 1e-6, spread, 1.0))  # all of them do
        self.ready = True

    @torch.no_grad()
    def forward(self, kinematics: Tensor) -> Tensor:
        """(N, D) float32 targets.

        Raises:
            TrainingError: Nothing has taken the statistics.
        """
        if not self.ready:
            raise TrainingError(
                "default_hooks",
                "the targets are standardised, but nothing has taken the statistics of the training walks",
                remedy="add dict(type='KinematicsHook') to default_hooks",
            )
        return ((self.without_side(kinematics) - self.centre) / self.spread).clamp(-CLIP, CLIP)


def directions(targets: Tensor) -> Tensor:
    """(N, D) targets at unit length: products of two are the cosine between the walks."""
    return F.normalize(targets, dim=1)

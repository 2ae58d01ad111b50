"""Kinematics as teachers of a contrast, without labels.

Both parts read the targets t of ``KinematicTargets``: the standardised features of the walk as it was recorded, not of
its views, so that what a view hides or distorts has to be recognised.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.kinematics import NAMES
from mmgaitemo.models.heads import LinearHead
from mmgaitemo.models.losses.checks import check_positive
from mmgaitemo.registry import LOSSES

STRONG, ALL = "strong", "all"


@LOSSES.register_module()
class KinematicTargetLoss(nn.Module):
    """weight * mean over views, walks and features of (W BN(h) + b - t)^2.

    h is the encoder's vector of a view, the one that probes read; BN standardises it and has nothing to learn.

    Args:
        in_channels: Width of h; the algorithm fills it in.
        weight: Of this loss in the sum, above 0.
        views: ``strong``: the strong view, with all its features; ``all``: every view that the query encoder sees, that
            with dropped features too.
    """

    def __init__(self, in_channels: int, weight: float = 3.0, views: str = STRONG) -> None:
        super().__init__()
        check_positive("model.loss_kinematics.weight", weight, "3.0 is usual; model.loss_kinematics=None leaves it out")
        if views not in (STRONG, ALL):
            raise ConfigError(
                "model.loss_kinematics.views", "no such views", found=repr(views), remedy=f"use {STRONG!r} or {ALL!r}"
            )
        self.head = LinearHead(in_channels, len(NAMES))
        self.weight = weight
        self.views = views

    def forward(self, vectors: list[Tensor], targets: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            vectors: (N, in_channels) of each pass: the general view, the strong one, that with dropped features.
            targets: (N, D).
        """
        chosen = vectors if self.views == ALL else vectors[1:2]
        errors = [(self.head(vector.float()) - targets).square().mean() for vector in chosen]
        return self.weight * torch.stack(errors).mean()


@LOSSES.register_module()
class KinematicSoftTargets(nn.Module):
    """What L_Info wants p to be: walks that move alike are positives to the degree that they do.

        q = (1 - w) * hard + w * softmax([1, cos(t, T)] / temperature)

    over the own key, whose walk is the same, and the stored keys, whose walks have the targets T. ``hard`` is the own
    key, or what mining finds. Slots that are no negatives (empty, or of the very same walk) have no part.

    Args:
        share: w, in (0, 1].
        temperature: Of the softmax over cosines, above 0; the smaller, the fewer walks count.
    """

    def __init__(self, share: float = 0.5, temperature: float = 0.15) -> None:
        super().__init__()
        check_positive("model.soft_targets.share", share, "use 0.5; model.soft_targets=None leaves it out")
        if share > 1:
            raise ConfigError("model.soft_targets.share", "must lie in (0, 1]", found=share, remedy="use 0.5")
        check_positive("model.soft_targets.temperature", temperature, "0.15 is usual")
        self.share = share
        self.temperature = temperature

    def forward(self, own: Tensor, stored: Tensor, hidden: Tensor, positives: Tensor | None) -> Tensor:
        """The target distribution (N, 1 + K).

        Args:
            own: (N, D) of unit length.
            stored: (K, D) likewise; zeros where a slot is empty.
            hidden: (N, K) 0 for negatives, else a number so low that its softmax is 0.
            positives: (N, 1 + K) bool; None means column 0 alone.
        """
        same = own.new_full((len(own), 1), 1 / self.temperature)
        alike = torch.addmm(hidden, own, stored.T, alpha=1 / self.temperature)
        soft = torch.cat([same, alike], dim=1).softmax(1)
        if positives is None:
            hard = torch.zeros_like(soft)
            hard[:, 0] = 1
        else:
            hard = positives.float() / positives.sum(1, keepdim=True)
        return torch.lerp(hard, soft, self.share)

"""SimAM drop: hide what the network finds most important."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import MODELS


def simam_attention(features: Tensor, stabiliser: float) -> Tensor:
    """Importance in [0.622, 1) of every element of (N, C, T', V): sigmoid of the inverse of SimAM's energy.

    1/E = d / (4 (sum(d) / n + lambda)) + 1/2, where d is the squared distance from the mean of the channel's T' V
    elements and n = T' V - 1 (Yang et al., ICML 2021; public code of SimAM).
    """
    distance = (features - features.mean((2, 3), keepdim=True)).square_()
    elements = features.shape[2] * features.shape[3] - 1
    spread = distance.sum((2, 3), keepdim=True) / max(elements, 1)
    return distance.div_(4 * (spread + stabiliser)).add_(0.5).sigmoid_()  # in place: a third less to move


@MODELS.register_module()
class SimAMDrop(nn.Module):
    """Zero the joints, then the single elements, whose importance reaches a threshold (AimCLR's ``Simam_Drop``).

    A joint goes, in all channels and frames, where its mean importance reaches the threshold; an element goes where
    its own does. After each of the two the map is multiplied by (elements / kept elements), counted over the batch as
    in the published code. Masks carry no gradient. Where everything would go, nothing is left to scale: zeros.

    Args:
        threshold: Importance from which on things are dropped, in [0.622, 1]; AimCLR's model uses 0.7.
        stabiliser: lambda of SimAM's energy.
        branches: Names of the feature maps it acts on: "graph", "image" or both.
    """

    def __init__(
        self, threshold: float = 0.7, stabiliser: float = 1e-4, branches: tuple[str, ...] = ("graph",)
    ) -> None:
        super().__init__()
        if not 0.0 < threshold <= 1.0:
            raise ConfigError("drop.threshold", "must lie in (0, 1]", found=threshold, remedy="AimCLR uses 0.7")
        self.threshold = threshold
        self.stabiliser = stabiliser
        self.branches = tuple(branches)

    def forward(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop in the chosen maps and pass the others through.

        Raises:
            ConfigError: The backbone has no such branch.
        """
        if missing := set(self.branches) - set(maps):
            raise ConfigError(
                "drop.branches",
                "the backbone has no such feature map",
                found=sorted(missing),
                remedy=f"use a subset of {sorted(maps)}, or drop=None",
            )
        return {name: self._drop(value) if name in self.branches else value for name, value in maps.items()}

    def _drop(self, features: Tensor) -> Tensor:
        with torch.no_grad():
            attention = simam_attention(features.float(), self.stabiliser)
            joints = (attention.mean((1, 2), keepdim=True) < self.threshold).float()
            elements = (attention < self.threshold).float()
            # One factor for both: the map, and later its gradient, are read and written once.
            scales = [keep.numel() / keep.sum().clamp(min=1) for keep in (joints, elements)]
            factor = elements.mul_(joints * (scales[0] * scales[1]))
        return features * factor

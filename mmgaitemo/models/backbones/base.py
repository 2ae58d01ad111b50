"""What every backbone has in common."""

from __future__ import annotations

from abc import abstractmethod

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn


class SkeletonBackbone(BaseModule):
    """(N, 3, T, V) to (N, out_channels), by way of named feature maps.

    The two halves are apart because the SimAM drop acts between them: one pass through the network gives the vector
    of the view and that of the view with its most important features hidden.
    """

    out_channels: int

    @abstractmethod
    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """The last map of each branch, (N, C, T', V), by the branch's name."""

    @abstractmethod
    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels) from the maps."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, 3, T, V) to (N, out_channels)."""
        return self.embed(self.feature_maps(inputs))


class CoordinateNorm(BaseModule):
    """BatchNorm of each coordinate of each joint over batch and time (``data_bn`` of ST-GCN): (N, C, T, V) as it was.

    What comes out lies in memory as (N, T, V, C), "channels last", and all layers after it keep that: the convolutions
    of narrow networks are up to twice as fast so, and the channels of a joint are a row of a matrix.

    Args:
        channels: C.
        joints: V.
    """

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels * joints)

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise."""
        n, c, t, v = inputs.shape
        flat = inputs.permute(0, 3, 1, 2).reshape(n, v * c, t)
        normed = self.norm(flat).view(n, v, c, t).permute(0, 2, 3, 1)
        return normed.contiguous(memory_format=torch.channels_last)

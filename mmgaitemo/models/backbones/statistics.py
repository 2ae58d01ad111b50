"""The statistics branch: how each joint is held and how much it moves, before any layer has mixed the joints."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import CoordinateNorm, SkeletonBackbone
from mmgaitemo.models.modules.readout import mean_and_deviation
from mmgaitemo.registry import BACKBONES
from mmgaitemo.skeleton import get_skeleton


@BACKBONES.register_module()
class JointStatistics(SkeletonBackbone):
    """Mean and standard deviation over time of each channel of each joint, and one layer: (N, C, T, V) to (N, hidden).

    BN, Linear, BN, ReLU on 2 C V numbers. Graph and image branch share their filters among the joints and pool over
    them, so that which joint it was is all but lost; posture and swing of single joints are what hand-made features of
    affective gait research measure. With the streams joint, bone and motion the deviations hold the speeds too. This
    branch is the project's own; the paper has none.

    Args:
        skeleton: Name of the joint layout.
        hidden: Width of the layer.
        in_channels: C of the input.

    Raises:
        ConfigError: ``hidden`` is no whole number of at least 1.
    """

    def __init__(self, skeleton: str, hidden: int = 256, in_channels: int = 3) -> None:
        super().__init__()
        if not isinstance(hidden, int) or isinstance(hidden, bool) or hidden < 1:
            raise ConfigError("JointStatistics.hidden", "is no width", found=repr(hidden), remedy="256 is usual")
        joints = get_skeleton(skeleton).num_joints
        self.norm = CoordinateNorm(in_channels, joints)
        numbers = 2 * in_channels * joints
        self.layers = nn.Sequential(
            nn.BatchNorm1d(numbers), nn.Linear(numbers, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()
        )
        self.out_channels = hidden

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """{"statistics": (N, C, T, V)}: the normalised input itself."""
        return {"statistics": self.norm(inputs)}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, hidden)."""
        pooled = mean_and_deviation(maps["statistics"].permute(0, 2, 3, 1))
        return self.layers(torch.cat([part.flatten(1) for part in pooled], dim=1))

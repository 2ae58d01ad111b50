"""CFFN: the cross-domain feature fusion network of SSAL."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import SkeletonBackbone
from mmgaitemo.registry import BACKBONES


@BACKBONES.register_module()
class CFFN(SkeletonBackbone):
    """Two branches on the same skeleton, graph and image, fused to one vector; a third is this project's own.

    h = W [g ; a] + b, or W [g ; a ; s] + b. (Projecting each branch to the common width and adding is the same map.)
    The paper gives 128 as the width of the fused vector and no formula; concatenation and one linear layer is the
    weakest assumption.

    Args:
        graph: Config of the graph branch, or None.
        image: Config of the image branch, or None.
        statistics: Config of the ``JointStatistics`` branch, or None as in the paper.
        out_channels: Width of the fused vector. None leaves the concatenation as it is: the projection head then
            plays the part of the fusion, as in AimCLR's code.
    """

    def __init__(
        self, graph: dict | None, image: dict | None, out_channels: int | None = 128, statistics: dict | None = None
    ) -> None:
        super().__init__()
        named = {"graph": graph, "image": image, "statistics": statistics}
        branches = {name: cfg for name, cfg in named.items() if cfg is not None}
        if not branches:
            raise ConfigError("CFFN", "all branches are None", remedy="configure at least one branch")
        self.branches = nn.ModuleDict({name: BACKBONES.build(cfg) for name, cfg in branches.items()})
        width = sum(branch.out_channels for branch in self._branches())
        self.out_channels = width if out_channels is None else out_channels
        self.fusion = nn.Identity() if out_channels is None else nn.Linear(width, out_channels)

    def _branches(self) -> list[SkeletonBackbone]:
        return cast(list[SkeletonBackbone], list(self.branches.values()))

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """The last maps of the branches that are there."""
        return {name: value for branch in self._branches() for name, value in branch.feature_maps(inputs).items()}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels)."""
        return self.fusion(torch.cat([branch.embed(maps) for branch in self._branches()], dim=1))

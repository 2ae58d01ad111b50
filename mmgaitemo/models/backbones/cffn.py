"""CFFN: the cross-domain feature fusion network of SSAL."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import SkeletonBackbone
from mmgaitemo.registry import BACKBONES, MODELS


@BACKBONES.register_module()
class CFFN(SkeletonBackbone):
    """Two branches on the same skeleton, graph and image, fused to one vector; a third is this project's own.

    h = W [g ; a] + b. (Projecting each branch to the common width and adding is the same map.) The paper gives 128 as
    the width of the fused vector and no formula; concatenation and one linear layer is the weakest assumption. The
    numbers of a third branch are appended as they are, h = [W [g ; a] + b ; s]: mixed with the others they would no
    longer be what they measure.

    Args:
        graph: Config of the graph branch, or None.
        image: Config of the image branch, or None.
        statistics: Config of the ``JointStatistics`` branch, or None as in the paper.
        whitening: Config of the ``NuisanceWhitening`` of h, or None as in the paper.
        out_channels: Width of W [g ; a] + b. None leaves the concatenation as it is: the projection head then plays the
            part of the fusion, as in AimCLR's code.
    """

    def __init__(
        self,
        graph: dict | None,
        image: dict | None,
        out_channels: int | None = 128,
        statistics: dict | None = None,
        whitening: dict | None = None,
    ) -> None:
        super().__init__()
        named = {"graph": graph, "image": image, "statistics": statistics}
        branches = {name: cfg for name, cfg in named.items() if cfg is not None}
        if not branches:
            raise ConfigError("CFFN", "all branches are None", remedy="configure at least one branch")
        self.branches = nn.ModuleDict({name: BACKBONES.build(cfg) for name, cfg in branches.items()})
        widths = {name: branch.out_channels for name, branch in self._branches().items()}
        appended = widths.pop("statistics", 0)
        width = sum(widths.values())
        fused = width if out_channels is None or not widths else out_channels
        self.fusion = nn.Identity() if out_channels is None or not widths else nn.Linear(width, fused)
        self.out_channels = fused + appended
        self.whitening = MODELS.build({"num_features": self.out_channels, **whitening}) if whitening else None

    def _branches(self) -> dict[str, SkeletonBackbone]:
        return cast(dict[str, SkeletonBackbone], dict(self.branches.items()))

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """The last maps of the branches that are there."""
        maps = [branch.feature_maps(inputs) for branch in self._branches().values()]
        return {name: value for branch in maps for name, value in branch.items()}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels), and the width of the statistics more."""
        vectors = {name: branch.embed(maps) for name, branch in self._branches().items()}
        statistics = [vectors.pop("statistics")] if "statistics" in vectors else []
        fused = [self.fusion(torch.cat(list(vectors.values()), dim=1))] if vectors else []
        vector = torch.cat(fused + statistics, dim=1)
        return vector if self.whitening is None else self.whitening(vector)

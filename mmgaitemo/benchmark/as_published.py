"""The encoder in the layers of the public codes as a backbone of its own, to train beside ours."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmgaitemo.benchmark.reference_layers import reference_encoder
from mmgaitemo.models.backbones import SkeletonBackbone
from mmgaitemo.registry import BACKBONES


@BACKBONES.register_module()
class AsPublished(SkeletonBackbone):
    """Our encoder of a config with the same weights, in reference layers: the same function, slower.

    Args:
        encoder: Config of the encoder.
    """

    def __init__(self, encoder: dict[str, Any]) -> None:
        super().__init__()
        ours = BACKBONES.build(encoder)
        with torch.random.fork_rng(devices=[]):  # what is built after it starts from the same weights as beside ours
            self.network = reference_encoder(encoder)
        self.network.load_state_dict(ours.state_dict())
        self.out_channels = ours.out_channels

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """See ``SkeletonBackbone``."""
        return self.network.feature_maps(inputs)

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """See ``SkeletonBackbone``."""
        return self.network.embed(maps)

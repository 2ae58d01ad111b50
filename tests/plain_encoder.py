"""A user's own module, named by custom_imports: an encoder without BatchNorm, and a view without chance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.augmentation import ViewTransform
from mmgaitemo.models.backbones import SkeletonBackbone
from mmgaitemo.registry import BACKBONES, TRANSFORMS
from mmgaitemo.skeleton import Skeleton


@BACKBONES.register_module()
class PlainEncoder(SkeletonBackbone):
    """One temporal convolution over all joints."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(48, 24, 5)
        self.out_channels = 24

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        return {"graph": self.conv(inputs.transpose(2, 3).flatten(1, 2)).tanh()[..., None]}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        return maps["graph"].mean((2, 3))


@TRANSFORMS.register_module()
class HideLegs(ViewTransform):
    """Zero both legs."""

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        hidden = x.clone()
        hidden[..., [*skeleton.parts["left_leg"], *skeleton.parts["right_leg"]]] = 0
        return hidden

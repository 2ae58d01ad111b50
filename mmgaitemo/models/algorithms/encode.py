"""One pass of an encoder while pre-training."""

from __future__ import annotations

from torch import Tensor, nn

from mmgaitemo.models.backbones import SkeletonBackbone


def encode(backbone: SkeletonBackbone, head: nn.Module, drop: nn.Module | None, inputs: Tensor) -> list[Tensor]:
    """The projections z (N, D) of one view (N, 3, T, V) and, after it, of the same view with features dropped.

    A function of everything it needs, so that ``torch.compile`` can replace it without a change to the modules.
    """
    maps = backbone.feature_maps(inputs)
    shown = [maps] if drop is None else [maps, drop(maps)]
    return [head(backbone.embed(features)) for features in shown]

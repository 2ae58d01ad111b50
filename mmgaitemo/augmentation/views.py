"""From recipes of transforms to the views of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmgaitemo.augmentation.base import ViewTransform, build_transform
from mmgaitemo.recipe import steps_in_order
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import Skeleton

Recipe = Mapping[str, Any]


def chain(recipe: Recipe, where: str = "views") -> list[ViewTransform]:
    """Build the transforms of a recipe (see ``mmgaitemo.recipe``) in its order; ``None`` entries are left out.

    Args:
        recipe: Named configs and their order, e.g.
            ``dict(order=('crop', 'shear'), crop=dict(type='TemporalCrop'), shear=dict(type='Shear'))``.
        where: Config key of the recipe, for messages.

    Raises:
        ConfigError: The recipe is none, or an entry cannot be built.
    """
    return [build_transform(config, f"{where}.{name}") for name, config in steps_in_order(recipe, where)]


def apply(transforms: Sequence[ViewTransform], x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
    """Apply transforms one after the other to (N, 3, T, V)."""
    for transform in transforms:
        x = transform(x, skeleton, generator)
    return x


@TRANSFORMS.register_module()
class SingleView:
    """One augmented view, for supervised training and fine-tuning.

    Args:
        general: Recipe of the general augmentation T.
    """

    def __init__(self, general: Recipe) -> None:
        self.general = chain(general, "SingleView.general")

    def __call__(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """Draw T(x): (N, 3, T, V) to (N, 3, T, V). Arguments as in `ViewTransform`."""
        return apply(self.general, x, skeleton, generator)


@TRANSFORMS.register_module()
class ContrastiveViews:
    """The views of contrastive pre-training: two draws of T and, if asked for, one of the strong T' (SSAL, figure 2).

    The strong view is drawn last, so that key and query are the same with and without it.

    Args:
        general: Recipe of the general augmentation T.
        strong: Recipe of what the strong view has in addition; ``None``: no strong view.
        strong_includes_general: T' is a third draw of T followed by ``strong``, as AimCLR's extreme view (our choice
            for SSAL); otherwise ``strong`` alone.
    """

    def __init__(self, general: Recipe, strong: Recipe | None = None, strong_includes_general: bool = True) -> None:
        self.general = chain(general, "ContrastiveViews.general")
        self.strong = None if strong is None else chain(strong, "ContrastiveViews.strong")
        self.strong_includes_general = strong_includes_general

    def __call__(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw ``key``, ``query`` and perhaps ``strong``, each (N, 3, T, V). Arguments as in `ViewTransform`."""
        views = {name: apply(self.general, x, skeleton, generator) for name in ("key", "query")}
        if self.strong is not None:
            base = self.general if self.strong_includes_general else []
            views["strong"] = apply([*base, *self.strong], x, skeleton, generator)
        return views

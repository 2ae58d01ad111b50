"""Recipes: named steps in a stated order.

A list of steps would be simpler, but a child config cannot change one element of a list. A plain dict has no order
that lasts: MMEngine sorts the keys of the config that it writes into the work_dir. So a recipe says its order:

    dict(order=("crop", "shear"), crop=dict(type="TemporalCrop"), shear=dict(type="Shear"))

and a child config changes a step by its name (``shear=dict(amplitude=0.1)``) or takes it out (``shear=None``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmgaitemo.errors import ConfigError


def steps_in_order(recipe: Mapping[str, Any], where: str) -> list[tuple[str, Any]]:
    """(name, config) of every step that is not None, in the recipe's order.

    Args:
        recipe: ``order`` and the named steps.
        where: Config key of the recipe, for messages.

    Raises:
        ConfigError: There is no recipe, no order, or the order does not list exactly the named steps.
    """
    if not isinstance(recipe, Mapping) or "type" in recipe or "order" not in recipe:
        raise ConfigError(
            where,
            "needs named steps and their order",
            found=recipe,
            remedy="write for example dict(order=('crop',), crop=dict(type='TemporalCrop'))",
        )
    order, steps = list(recipe["order"]), {name: step for name, step in recipe.items() if name != "order"}
    if sorted(order) != sorted(steps):
        raise ConfigError(
            f"{where}.order",
            "must list every named step once",
            found=f"order {order}, steps {sorted(steps)}",
            remedy="name the step in the order too; a step set to None stays in the order",
        )
    return [(name, steps[name]) for name in order if steps[name] is not None]

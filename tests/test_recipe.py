"""Recipes keep the order they state, whatever the order of their keys."""

from __future__ import annotations

import pytest

from mmgaitemo.errors import ConfigError
from mmgaitemo.recipe import steps_in_order


def test_order_is_the_stated_one_and_none_is_left_out() -> None:
    recipe = dict(order=("b", "c", "a"), a=1, b=2, c=None)
    assert steps_in_order(recipe, "x") == [("b", 2), ("a", 1)]
    assert steps_in_order(dict(sorted(recipe.items())), "x") == [("b", 2), ("a", 1)]


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ([1], "named steps"),
        (dict(type="Shear"), "named steps"),
        (dict(a=1), "named steps"),
        (dict(order=("a",), a=1, b=2), "every named step once"),
        (dict(order=("a", "a"), a=1), "every named step once"),
        (dict(order=("a", "b"), a=1), "every named step once"),
    ],
)
def test_a_recipe_without_a_full_order_is_refused(recipe: object, words: str) -> None:
    with pytest.raises(ConfigError, match=f"views.general.*{words}"):
        steps_in_order(recipe, "views.general")  # type: ignore[arg-type]

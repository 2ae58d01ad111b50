"""Configs out of files: built only where they name parts of this project, or parts the user has registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.registry import DefaultScope

from mmgaitemo.errors import DataError
from mmgaitemo.registry import DATASETS, MODELS, TRANSFORMS

REGISTRIES = (DATASETS, MODELS, TRANSFORMS)


def check_types(config: Any, where: str) -> None:
    """Refuse a config that names anything but registered parts.

    MMEngine's registries import and call whatever a dotted name leads to (``dict(type="os.system", command=...)``,
    ``Registry.get`` of 0.10.7), and the module that ``_scope_`` names. In one's own config that is a feature; in a file
    from elsewhere it would be code.

    Args:
        config: Dicts, lists and plain values, nested.
        where: The file, for the message.

    Raises:
        DataError: A ``type`` is not registered, or there is a ``_scope_``.
    """
    for registry in REGISTRIES:
        registry.import_from_location()
    known = {name for registry in REGISTRIES for name in registry.module_dict}
    if foreign := sorted(map(str, _types(config) - known)):
        raise DataError(
            where,
            "its config names parts that are not known here, and nothing is run that a file merely names",
            found=foreign[:3],
            remedy="import the module that registers them first, if they are yours",
        )


def build_model(config: Mapping[str, Any]) -> Any:
    """The model of a checked config, whatever MMEngine project the caller's own registries belong to."""
    with DefaultScope.overwrite_default_scope(MODELS.scope):
        return MODELS.build(dict(config))


def _types(config: Any) -> set[Any]:
    if isinstance(config, Mapping):
        own = {config["type"]} if "type" in config else set()
        scope = {"_scope_"} & set(config)
        return own.union(scope, *map(_types, config.values()))
    if isinstance(config, (list, tuple)):
        return set().union(*map(_types, config))
    return set()

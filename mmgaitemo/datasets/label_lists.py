"""Which walks keep their label when only a fraction of the labels may be used: committed lists that name nobody.

``nested_fraction`` draws the same walks from the same ids and seed. A file of its draws shows beyond doubt which they
were, and refuses data that are not those it was made for. It holds whole numbers and hashes only: ids of data that may
not be published may not be published either. A label file is JSON::

    {"format": 1,
     "settings": {"num_folds": 5, "folds": [0, ...], "seeds": [0, ...], "fractions": [0.01, ...]},
     "walks": {"fold 0": {"per_class": [...], "ids": sha256, "ids_and_labels": sha256}, ...},
     "lists": {"fold 0, seed 0, fraction 0.01": [index, ...], ...},
     "sha256": of all of the above}

An index counts the labelled training walks of the fold (those of all other folds), sorted by id, from 0.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgaitemo.datasets.egait_files import require_file
from mmgaitemo.datasets.splits import UNLABELLED, nested_fraction
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.files import unfinished

if TYPE_CHECKING:
    from mmgaitemo.datasets.base import SkeletonDataset  # which reads label files

FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)
FORMAT = 1
PARTS = ("settings", "walks", "lists")
DRAW = "or set label_file=None to draw the walks"
OWN_LIST = "make a list of your own: python tools/analysis/label_lists.py CONFIG --out FILE.json"


def make_label_lists(
    dataset: SkeletonDataset, folds: Sequence[int] | None = None, seeds: Sequence[int] = range(5)
) -> dict[str, Any]:
    """Draw the list of every fold, every seed and every one of ``FRACTIONS``.

    Args:
        dataset: Whose walks; its own split, fold and label fraction do not matter.
        folds: The folds held out; all by default.
        seeds: Of the draws.

    Returns:
        The content of a label file.

    Raises:
        ConfigError: There is no such fold, or it leaves no labelled walk.
        DataError: The data cannot be read.
    """
    folds = range(dataset.num_folds) if folds is None else folds
    if absent := [fold for fold in folds if fold not in range(dataset.num_folds)]:
        raise ConfigError("--folds", "no such fold", found=absent, remedy=f"use 0 to {dataset.num_folds - 1}")
    if bad := [seed for seed in seeds if seed not in range(2**32)]:
        raise ConfigError("--seeds", "is no seed", found=bad, remedy="use whole numbers from 0 to 2**32 - 1")
    settings = {"num_folds": dataset.num_folds, "folds": list(folds), "seeds": list(seeds)}
    content: dict[str, Any] = {"format": FORMAT, "settings": {**settings, "fractions": list(FRACTIONS)}}
    walks, lists = content.setdefault("walks", {}), content.setdefault("lists", {})
    records = dataset.load_data_list()
    for fold in folds:
        train = [record for record in records if record["fold"] != fold]
        names, labels = _labelled([record["id"] for record in train], [record["label"] for record in train])
        if not names:
            raise ConfigError(f"fold {fold}", "no training walk has a label", remedy="use data with labels")
        walks[f"fold {fold}"] = _describe(names, labels)
        for seed, fraction in product(seeds, FRACTIONS):
            lists[_key(fold, seed, fraction)] = nested_fraction(names, labels, fraction, seed)
    return {**content, "sha256": _sha256(content)}


def write_label_lists(path: Path, content: dict[str, Any]) -> None:
    """Write a label file, one list a line."""
    text = re.sub(r"\[[^][]*\]", lambda numbers: json.dumps(json.loads(numbers[0])), json.dumps(content, indent=1))
    with unfinished(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def load_label_lists(path: Path) -> dict[str, Any]:
    """Read a label file and compare it with its own hash.

    Raises:
        DataError: The file is missing, is no label file, or was changed since it was made.
    """
    require_file(path, OWN_LIST)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(str(path), "the file is no JSON", found=error, remedy=OWN_LIST) from None
    whole = isinstance(content, dict) and all(isinstance(content.get(part), dict) for part in PARTS)
    whole = whole and all(isinstance(content["settings"].get(name), list) for name in ("folds", "seeds", "fractions"))
    if not whole or content.get("format") != FORMAT:
        raise DataError(str(path), f"the file is no label file of format {FORMAT}", remedy=OWN_LIST)
    if content.pop("sha256", None) != (own := _sha256(content)):
        raise DataError(str(path), "the file was changed since it was made", remedy=f"restore it, or {OWN_LIST}")
    return {**content, "sha256": own}


def read_label_list(
    path: str | Path, fold: int, seed: int, fraction: float, ids: Sequence[str], labels: Sequence[int]
) -> list[int]:
    """Look up which training walks keep their place, in a list that was made for these very walks.

    Args:
        path: The label file.
        fold: The fold held out.
        seed: Of the draw.
        fraction: One of the file's, or 1 for all walks.
        ids: Unique ids of the training walks of the fold, in any order.
        labels: Class id of each; unlabelled walks (-1) cost no label and are always kept.

    Returns:
        Indices into ``ids``, ascending, as ``nested_fraction`` returns them.

    Raises:
        ConfigError: The file has no list for this fold, seed or fraction.
        DataError: The file is damaged, or made for other walks or other labels.
    """
    content, where = load_label_lists(Path(path)), f"label file {path}"
    names, classes = _labelled(ids, labels)
    here, there = _describe(names, classes), content["walks"].get(f"fold {fold}")
    if not isinstance(there, dict):
        known = ", ".join(content["walks"])
        raise ConfigError(
            where, f"has no lists for fold {fold}", found=f"only for {known}", remedy=f"{OWN_LIST}, {DRAW}"
        )
    if here != there:
        same = here["ids"] == there.get("ids")
        raise DataError(
            where,
            "was made for other labels of the same walks" if same else "was made for other walks than these",
            found=f"labelled walks per class {there.get('per_class')} there, {here['per_class']} in fold {fold} here",
            remedy=f"use the data and folds it was made for, {OWN_LIST}, {DRAW}",
        )
    if fraction == 1:
        return list(range(len(ids)))
    chosen = content["lists"].get(_key(fold, seed, fraction))
    if chosen is None:
        known = f"seeds {content['settings']['seeds']}, fractions {content['settings']['fractions']}"
        raise ConfigError(
            where, f"has no list for {_key(fold, seed, fraction)}", found=known, remedy=f"{OWN_LIST}, {DRAW}"
        )
    numbers = isinstance(chosen, list) and all(type(index) is int for index in chosen)
    if not numbers or not all(low < high for low, high in pairwise([-1, *chosen, len(names)])):
        raise DataError(where, f"{_key(fold, seed, fraction)} is no ascending list of indices", remedy=OWN_LIST)
    kept = {names[index] for index in chosen}
    return [i for i, (name, label) in enumerate(zip(ids, labels, strict=True)) if label == UNLABELLED or name in kept]


def check_label_lists(path: Path, dataset: SkeletonDataset) -> None:
    """Draw the lists of a label file again and compare.

    Raises:
        ConfigError: The data have other folds, or no labels.
        DataError: The file is damaged, or the data give other lists; names up to three of them.
    """
    old = load_label_lists(path)
    new = make_label_lists(dataset, old["settings"]["folds"], old["settings"]["seeds"])
    changed = [
        f"{part}: {key}"
        for part in PARTS
        for key in {**old[part], **new[part]}
        if old[part].get(key) != new[part].get(key)
    ]
    if changed:
        raise DataError(
            str(path),
            "these data and settings give other lists",
            found=f"{', '.join(changed[:3])}{f' and {len(changed) - 3} more' if len(changed) > 3 else ''} differ",
            remedy=f"use the data and folds it was made for, or {OWN_LIST}",
        )


def _labelled(ids: Sequence[str], labels: Sequence[int]) -> tuple[list[str], list[int]]:
    """Ids and classes of the labelled walks, sorted by id."""
    pairs = sorted((name, int(label)) for name, label in zip(ids, labels, strict=True) if label != UNLABELLED)
    return [name for name, _ in pairs], [label for _, label in pairs]


def _describe(names: list[str], labels: list[int]) -> dict[str, Any]:
    """What identifies sorted labelled walks without naming them."""
    counts = Counter(labels)
    return {
        "per_class": [counts[label] for label in range(max(labels, default=-1) + 1)],
        "ids": _sha256(names),
        "ids_and_labels": _sha256(list(zip(names, labels, strict=True))),
    }


def _key(fold: int, seed: int, fraction: float) -> str:
    return f"fold {fold}, seed {seed}, fraction {fraction:g}"


def _sha256(content: Any) -> str:
    """Of the JSON text without spaces, keys sorted."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

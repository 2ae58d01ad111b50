"""From a config or an archive to walks that can be looked at."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.archive import GaitArchive
from mmgaitemo.archive.info import SUFFIX
from mmgaitemo.config import load_config, preflight
from mmgaitemo.datasets.gait_dataset import CLASS_NOTE, EGAIT_CLASSES
from mmgaitemo.errors import ConfigError
from mmgaitemo.motion.axes import upright
from mmgaitemo.skeleton import get_skeleton
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet

LARGEST = 6_000_000  # coordinates: an hour at 30 Hz, and a page of 32 MB
VIEW_NAMES = {"key": "general view s1 (key)", "query": "general view s2 (query)", "strong": "strong view s3"}


def load_walks(
    source: str | Path,
    *,
    ids: Sequence[str] = (),
    count: int = 12,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> WalkSet:
    """Walks of a config's training split, as the network sees them, or of an archive, as they were recorded.

    Args:
        source: A config (``.py``) or an archive (``.gait.h5``). Recordings of an archive are only turned upright. A
            contrastive config gives the views that training draws of each walk; others give one view.
        ids: The walks to take, in this order; none: draw some.
        count: How many to draw; all if there are no more.
        seed: Of the draw and of the views. A walk's views do not depend on the other walks taken.
        options: Overrides of the config by dotted key.

    Raises:
        ConfigError: The source is neither, an id is unknown, or more is asked for than can be shown.
        DataError: The data cannot be read.
    """
    if not ids and count < 1:
        raise ConfigError("--count", "needs at least one walk", found=count, remedy="ask for one or more")
    if seed < 0:
        raise ConfigError("--seed", "is no seed", found=seed, remedy="use a whole number from 0")
    if str(source).endswith(SUFFIX):
        if options:
            raise ConfigError("--cfg-options", "an archive has no config", found=options, remedy="leave them out")
        return _from_archive(Path(source), ids, count, seed)
    if str(source).endswith(".py"):
        return _from_config(Path(source), ids, count, seed, options)
    raise ConfigError(
        str(source),
        "is neither a config nor an archive",
        remedy=f"name a config (.py), or convert the recordings to an archive ({SUFFIX}) with tools/dataset_converters",
    )


def _from_archive(path: Path, ids: Sequence[str], count: int, seed: int) -> WalkSet:
    with GaitArchive(path) as archive:
        info, skeleton = archive.info, get_skeleton(archive.info.skeleton)
        chosen = _choose(str(path), archive.ids, ids, count, seed)
        _check_amount(int(archive.lengths[chosen].sum()) * skeleton.num_joints * 3)
        walks = [
            ShownWalk(
                id=archive.ids[index],
                views={"recording": upright(positions, info.up, skeleton)},
                label=info.label_names[archive.labels[index]] if archive.labels[index] >= 0 else None,
                subject=archive.subjects[index],
            )
            for index, positions in zip(chosen, archive.iterate(chosen), strict=True)
        ]
        return WalkSet(
            title=f"{path.name}: {len(walks)} of {len(archive)} walks",
            skeleton=skeleton,
            walks=tuple(walks),
            rate=info.rate,
            unit=info.unit,
            ground=True,
            source=info.source,
            licence=info.licence,
            # Others use the same four names, and nobody contests theirs.
            class_note=CLASS_NOTE if "E-Gait" in info.source and {*info.label_names} == {*EGAIT_CLASSES} else "",
        )


def _from_config(path: Path, ids: Sequence[str], count: int, seed: int, options: Mapping[str, Any] | None) -> WalkSet:
    cfg = load_config(path, dict(options) if options else None)
    if missing := [key for key in ("model", "train_dataloader") if not cfg.get(key)]:
        raise ConfigError(str(path), "is no complete config", found=f"no {missing}", remedy="use one that trains")
    cfg.model.data_preprocessor.stream = "joint"  # bones and motions are no positions to draw
    built = preflight(cfg)
    preprocessor, dataset = built.model.data_preprocessor, built.datasets["train_dataloader.dataset"]
    entries = [dataset.get_data_info(index) for index in range(len(dataset))]
    chosen = _choose(str(path), [entry["id"] for entry in entries], ids, count, seed)
    walks = []
    for index in chosen:
        entry, views = entries[index], views_of(dataset, preprocessor, index, seed)
        _check_amount(sum(view.size for view in views.values()) * len(chosen))
        label = dataset.metainfo["classes"][entry["label"]] if entry["label"] >= 0 else None
        walks.append(ShownWalk(entry["id"], views, label, entry["group"]))
    drawn = f", views of seed {seed}" if preprocessor.views is not None else ""
    return WalkSet(
        title=f"{path.stem}: {len(walks)} of {len(dataset)} training walks{drawn}",
        skeleton=preprocessor.skeleton,
        walks=tuple(walks),
        source=f"{dataset.metainfo['dataset_type']}, training split of {path.name}",
        class_note=dataset.metainfo["class_note"],
    )


def views_of(dataset: Any, preprocessor: Any, index: int, seed: int) -> dict[str, np.ndarray]:
    """The views (T, V, C) that ``seed`` draws of a walk of a data set; one where training draws a single one."""
    sample = dataset[index]
    preprocessor.seed(seed, index)
    batch = {"inputs": sample["inputs"][None], "label": sample["label"][None], "id": [sample["id"]]}
    views = preprocessor(batch, training=True)["inputs"]
    if not isinstance(views, dict):
        views = {"as the network sees it": views}
    return {VIEW_NAMES.get(name, name): view[0].permute(1, 2, 0).numpy() for name, view in views.items()}


def _choose(source: str, known: Sequence[str], ids: Sequence[str], count: int, seed: int) -> list[int]:
    """Indices of the walks to show: those asked for, or a draw in the order of the source."""
    if ids:
        index = {name: number for number, name in reversed(list(enumerate(known)))}
        for name in ids:
            if name not in index:
                near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
                raise ConfigError(
                    source,
                    "has no walk of this id",
                    found=repr(name),
                    remedy=f"did you mean one of {near}?" if near else f"ids look like {known[0]!r}",
                )
        return [index[name] for name in dict.fromkeys(ids)]
    drawn = np.random.default_rng(seed).choice(len(known), min(count, len(known)), replace=False)
    return sorted(drawn.tolist())


def _check_amount(values: int) -> None:
    if values > LARGEST:
        raise ConfigError(
            "--count",
            "these walks are too many or too long to look at together",
            found=f"{values:,} coordinates, at most {LARGEST:,}",
            remedy="choose fewer with --count or --ids, or cut long recordings into windows",
        )

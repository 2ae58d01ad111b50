"""Where walks come from: an archive, walk by walk, or the data sets of a config, as the network gets them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmgaitemo.archive import GaitArchive
from mmgaitemo.archive.info import SUFFIX
from mmgaitemo.config import datasets_of, explained, load_config
from mmgaitemo.datasets.base import SkeletonDataset
from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.inspection.walk import Walk
from mmgaitemo.motion.axes import upright
from mmgaitemo.registry import DATASETS
from mmgaitemo.skeleton import get_skeleton

TRAIN, TEST = "train", "test"
# Top-level keys of a config under which the Runner builds data sets. What is fitted or kept as a reference bank is on
# one side of the split, what is scored on the other.
_SIDES = {
    "train_dataloader": TRAIN,
    "train_cfg": TRAIN,
    "val_cfg": TRAIN,
    "test_cfg": TRAIN,
    "val_dataloader": TEST,
    "test_dataloader": TEST,
}


class WalkSource(Protocol):
    """Walks to inspect.

    ``sides`` are the sides of a split that the walks are on; a single empty one where there is no split.
    ``classes`` are the class names in the order of the ids.
    """

    sides: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Number of walks."""

    def __iter__(self) -> Iterator[Walk]:
        """The walks, in order."""

    def walk(self, index: int) -> Walk:
        """One of them."""


def open_source(path: str) -> WalkSource:
    """An archive (``*.gait.h5``) or a config (``*.py``).

    Raises:
        GaitError: It is neither, is damaged, or its data sets cannot be built.
    """
    if path.endswith(SUFFIX):
        return ArchiveWalks(path)
    if path.endswith(".py"):
        return ConfigWalks(load_config(path))
    raise ConfigError(
        path, "is neither an archive nor a config", remedy=f"name a file that ends in {SUFFIX}, or a config in .py"
    )


class ArchiveWalks:
    """The walks of an archive, turned upright; read as they are asked for.

    Args:
        path: The archive.

    Raises:
        DataError: It cannot be read.
    """

    sides: tuple[str, ...] = ("",)

    def __init__(self, path: str | Path) -> None:
        self._archive = GaitArchive(path)
        self._skeleton = get_skeleton(self._archive.info.skeleton)
        self.classes = self._archive.info.label_names

    def __len__(self) -> int:
        return len(self._archive)

    def __iter__(self) -> Iterator[Walk]:
        for index, positions in enumerate(self._archive.iterate()):
            yield self._walk(index, positions)

    def walk(self, index: int) -> Walk:
        """One walk."""
        return self._walk(index, self._archive.positions(index))

    def _walk(self, index: int, positions: np.ndarray) -> Walk:
        archive = self._archive
        return Walk(
            index=index,
            id=archive.ids[index],
            subject=archive.subjects[index],
            group=archive.groups[index],
            label=int(archive.labels[index]),
            side="",
            positions=upright(positions.astype(np.float64), archive.info.up, self._skeleton),
            skeleton=self._skeleton,
            rate=archive.info.rate,
        )


class ConfigWalks:
    """The walks of every data set that a run of the config would build, as its pipeline leaves them.

    A walk that several data sets of one side hold (training and kNN bank) counts once.

    Args:
        cfg: The config.

    Raises:
        GaitError: There is no data set, or one cannot be built.
    """

    def __init__(self, cfg: Config) -> None:
        init_default_scope(cfg.get("default_scope", "mmgaitemo"))
        self._rows: list[_Row] = []
        known: set[tuple[str, str, bytes]] = set()
        names: dict[str, None] = {}
        for key, side in _SIDES.items():
            for config in datasets_of(cfg.get(key)):
                dataset = _built(config, cfg)
                names |= dict.fromkeys(dataset.classes)
                for number, (id, group) in enumerate(zip(dataset.ids, dataset.groups, strict=True)):
                    row = _Row(side, dataset, number, id, group)
                    identity = (side, id, hashlib.blake2b(row.sample["inputs"].numpy(), digest_size=16).digest())
                    if identity not in known:
                        known.add(identity)
                        self._rows.append(row)
        if not self._rows:
            raise ConfigError(
                str(cfg.filename),
                "has no data set to check",
                remedy="inherit one from configs/_base_, such as egait.py",
            )
        self.classes = tuple(names)
        self.sides = tuple(dict.fromkeys(row.side for row in self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Walk]:
        return map(self.walk, range(len(self)))

    def walk(self, index: int) -> Walk:
        """One walk."""
        row = self._rows[index]
        label = int(row.sample["label"])
        return Walk(
            index=index,
            id=row.id,
            subject="",
            group=row.group,
            label=label if label < 0 else self.classes.index(row.dataset.classes[label]),
            side=row.side,
            positions=row.sample["inputs"].permute(1, 2, 0).numpy().astype(np.float64),
            skeleton=row.dataset.skeleton,
            rate=None,
        )


@dataclass(frozen=True)
class _Row:
    """Where a walk of a config is."""

    side: str
    dataset: SkeletonDataset
    number: int
    id: str
    group: str

    @property
    def sample(self) -> dict[str, Any]:
        return self.dataset[self.number]


def _built(config: dict, cfg: Config) -> SkeletonDataset:
    try:
        dataset = DATASETS.build(config)
        dataset.full_init()
    except GaitError:
        raise
    except Exception as error:
        raise explained(error, cfg, "a data set cannot be built with these settings") from error
    if not isinstance(dataset, SkeletonDataset):
        raise ConfigError(
            str(config["type"]),
            "only data sets of skeleton sequences can be checked",
            found=type(dataset).__name__,
            remedy="derive it from mmgaitemo.datasets.base.SkeletonDataset",
        )
    return dataset

"""The files that a ``GaitDataset`` reads: E-Gait's native pairs and gait archives, behind one interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.archive import GaitArchive
from mmgaitemo.datasets.egait_files import read_features, read_labels, require_file
from mmgaitemo.datasets.splits import UNLABELLED
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import Skeleton


@dataclass(frozen=True)
class NativePair:
    """A pair of files in E-Gait's format, or its features alone.

    Args:
        features: File of the coordinates, below the data root.
        labels: File of the labels, below the data root; ``None`` = unlabelled.
        frame_step: Keep every so many-th frame (BPM-GCN takes every fifth of the 240 frames of E-Gait's ELMD part).
        rate: Frames per second after that, which the files do not say; only ``ResampleRate`` asks for it.
        pretrain_only: See ``GaitDataset``.
    """

    features: str
    labels: str | None
    frame_step: int = 1
    rate: float | None = None
    pretrain_only: bool = False

    def paths(self, root: Path) -> list[Path]:
        """The files."""
        return [root / name for name in (self.features, self.labels) if name is not None]

    def index(self, root: Path, skeleton: Skeleton, classes: tuple[str, ...], how_to_get: str) -> list[dict[str, Any]]:
        """One record per gait, with its ``positions``; keys sorted, no persons."""
        features = root / self.features
        gaits = read_features(features, skeleton, frame_step=self.frame_step, how_to_get=how_to_get)
        labels = dict.fromkeys(gaits, UNLABELLED)
        if self.labels is not None:
            labels = read_labels(root / self.labels, features, gaits, classes, how_to_get=how_to_get)
        known = {"rate": self.rate, "unit": "body", "up": "y", "group": None}
        return [{"id": key, "positions": gaits[key], "label": labels[key], **known} for key in gaits]

    def positions(self, root: Path, records: Sequence[dict[str, Any]]) -> Iterator[np.ndarray]:
        """(T, V, 3) of each record."""
        return (record["positions"] for record in records)


@dataclass(frozen=True)
class ArchiveFile:
    """A gait archive (docs/archive.md).

    Args:
        archive: The file, below the data root.
        pretrain_only: See ``GaitDataset``.
    """

    archive: str
    pretrain_only: bool = False

    def paths(self, root: Path) -> list[Path]:
        """The file."""
        return [root / self.archive]

    def index(self, root: Path, skeleton: Skeleton, classes: tuple[str, ...], how_to_get: str) -> list[dict[str, Any]]:
        """One record per walk, in the archive's order, without coordinates."""
        path = root / self.archive
        require_file(path, how_to_get)
        with GaitArchive(path) as archive:
            info = archive.info
        if info.skeleton != skeleton.name:
            raise ConfigError(
                str(path),
                "the archive is in another layout than the data set",
                found=f"{info.skeleton!r}, skeleton={skeleton.name!r}",
                remedy="name the archive's layout in the config, or convert the recordings to this one",
            )
        if info.label_names and info.label_names != classes and not self.pretrain_only:
            raise ConfigError(
                str(path),
                "the archive has other classes than the data set",
                found=f"{info.label_names}, classes={classes}",
                remedy="set classes in the config to those of the archive, or pretrain_only=True to go without labels",
            )
        known = {"rate": info.rate, "unit": info.unit, "up": info.up}
        return [
            {"id": name, "label": int(label), "group": group, "archive_row": row, "archive_label": int(label), **known}
            for row, (name, label, group) in enumerate(zip(archive.ids, archive.labels, archive.groups, strict=True))
        ]

    def positions(self, root: Path, records: Sequence[dict[str, Any]]) -> Iterator[np.ndarray]:
        """(T, V, 3) of each record, read as they are asked for."""
        with GaitArchive(root / self.archive) as archive:
            now = list(zip(archive.ids, archive.labels.tolist(), strict=True))
            rows = [record["archive_row"] for record in records]
            if max(rows) >= len(now) or any(
                now[row] != (record["id"], record["archive_label"]) for row, record in zip(rows, records, strict=True)
            ):
                raise DataError(
                    str(archive.path),
                    "the archive was replaced while it was read",
                    remedy="start again when it is ready",
                )
            del now
            yield from archive.iterate(rows)


SourceFiles = NativePair | ArchiveFile


def source_from_config(where: str, config: Mapping[str, Any]) -> SourceFiles:
    """Check and take over an entry of ``GaitDataset.files``.

    Raises:
        ConfigError: An entry is missing, unknown or impossible.
    """
    if not isinstance(config, Mapping):
        raise ConfigError(where, "is no source", found=repr(config), remedy="write dict(archive='own.gait.h5')")
    kind = ArchiveFile if "archive" in config else NativePair
    try:
        source: SourceFiles = kind(**config)
    except TypeError as error:
        raise ConfigError(
            where,
            "a source needs archive='....gait.h5', or features='....h5' and labels='....h5' or None; "
            "it may have pretrain_only, and beside features frame_step and rate",
            found=str(error).replace(f"{kind.__name__}.__init__() ", ""),
            remedy="correct the entry",
        ) from None
    step, rate = getattr(source, "frame_step", 1), getattr(source, "rate", None)
    names = {key: getattr(source, key, "") for key in ("archive", "features")} | {
        "labels": getattr(source, "labels", None)
    }
    checks = [
        *(
            (key, isinstance(name, str) or (key == "labels" and name is None), "write the name of a file", name)
            for key, name in names.items()
        ),
        ("frame_step", isinstance(step, int) and step >= 1, "write 1 to keep every frame, 5 to keep every fifth", step),
        (
            "rate",
            rate is None or (isinstance(rate, (int, float)) and not isinstance(rate, bool) and rate > 0),
            "write frames per second, or None",
            rate,
        ),
        ("pretrain_only", isinstance(source.pretrain_only, bool), "write True or False", source.pretrain_only),
    ]
    for key, fulfilled, remedy, found in checks:
        if not fulfilled:
            raise ConfigError(f"{where}.{key}", "is impossible", found=repr(found), remedy=remedy)
    return source

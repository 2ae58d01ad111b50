"""E-Gait's native pair of files as recordings, and its counts beside those that are documented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.datasets.egait_files import read_features, read_labels
from mmgaitemo.datasets.gait_dataset import EGAIT_CLASSES
from mmgaitemo.datasets.splits import read_fold_table
from mmgaitemo.errors import DataError
from mmgaitemo.skeleton import EGAIT16


@dataclass(frozen=True)
class Part:
    """What is documented of a part of E-Gait.

    Args:
        name: Of the part.
        classes: Gaits of each class, in the order of the ids.
        frames: Of the shortest and the longest gait.
    """

    name: str
    classes: tuple[int, ...]
    frames: tuple[int, int]


OWN = Part("own part", (112, 33, 78, 119), (18, 75))
ELMD = Part("ELMD", (1048, 454, 254, 79), (240, 240))


@dataclass(frozen=True)
class NativeGaits:
    """A pair in memory.

    Args:
        positions: Key -> (T, 16, 3) float64, keys sorted.
        labels: Key -> class id.
        facts: Key -> group, acted emotion and source, from the fold file; empty without one.
        frame_step: Every so many-th frame was kept.
    """

    positions: Mapping[str, np.ndarray]
    labels: Mapping[str, int]
    facts: Mapping[str, Mapping[str, str]]
    frame_step: int

    def sources(self, name: str, rate: float | None) -> tuple[list[Source], ArchiveInfo]:
        """A source per gait, and what their archive is.

        Args:
            name: Of the files, for messages.
            rate: Frames per second of what was kept; ``None`` = unknown.
        """
        info = ArchiveInfo(
            skeleton=EGAIT16.name,
            unit="body",
            up="y",
            rate=rate,
            label_names=EGAIT_CLASSES,
            source="Emotion-Gait (E-Gait), Bhattacharya et al., STEP, AAAI 2020",
            licence="none stated: for research, not to be passed on",
        )
        return [Source(f"{name}: {key}", partial(self._read, key, rate)) for key in self.positions], info

    def _read(self, key: str, rate: float | None) -> Iterator[Recording]:
        facts = self.facts.get(key)
        yield Recording(
            id=key,
            positions=self.positions[key],
            rate=rate,
            label=EGAIT_CLASSES[self.labels[key]],
            subject=facts["group"] if facts else "",
            extra={name: facts.get(name, "") for name in ("acted", "source")} if facts else {},
        )

    def counts(self) -> list[tuple[str, ...]]:
        """Rows of a table: source, gaits of each class, all; the last row is the sum."""
        rows = Counter(
            (self.facts[key].get("source", "") if self.facts else "", self.labels[key]) for key in self.labels
        )
        names = sorted({source for source, _ in rows}) if self.facts else []
        classes = range(len(EGAIT_CLASSES))
        table = [(name or "(unknown)", *(rows[name, label] for label in classes)) for name in names]
        table.append(("all", *self._per_class()))
        return [tuple(map(str, (*row, sum(row[1:])))) for row in table]  # type: ignore[arg-type]

    def differences(self, part: Part) -> list[str]:
        """What is not as documented, in words; empty where all is."""
        lengths = [len(walk) for walk in self.positions.values()]
        pairs: Sequence[tuple[str, object, object]] = [
            ("gaits", len(lengths), sum(part.classes)),
            *zip(
                (f"gaits of label {n}" for n in range(len(part.classes))), self._per_class(), part.classes, strict=True
            ),
            ("frames of the shortest gait", min(lengths), -(-part.frames[0] // self.frame_step)),
            ("frames of the longest gait", max(lengths), -(-part.frames[1] // self.frame_step)),
        ]
        return [f"{what}: {found}, documented {wanted}" for what, found, wanted in pairs if found != wanted]

    def _per_class(self) -> list[int]:
        return np.bincount(list(self.labels.values()), minlength=len(EGAIT_CLASSES)).tolist()


def read_native(features: Path, labels: Path, folds: Path | None, frame_step: int = 1) -> NativeGaits:
    """Read and check a pair, and the fold file that says who walks.

    Args:
        features: ``features.h5``.
        labels: ``labels.h5``.
        folds: CSV file with the columns ``key``, ``label``, ``group``, ``fold``, and perhaps ``acted`` and ``source``.
        frame_step: Keep every so many-th frame.

    Raises:
        DataError: A file is missing, damaged, or does not fit the others.
    """
    positions = read_features(features, EGAIT16, frame_step=frame_step)
    found = read_labels(labels, features, positions, EGAIT_CLASSES)
    if wrong := [key for key in positions if not key.isprintable()]:
        raise DataError(f"{features}, key {wrong[0]!a}", "is no plain text", remedy="rename it in both files")
    facts = {} if folds is None else read_fold_table(folds)
    if folds is not None and {*facts} != {*positions}:
        missing, unknown = sorted({*positions} - {*facts}), sorted({*facts} - {*positions})
        raise DataError(
            str(folds),
            f"does not list the keys of {features.name}",
            found=f"{len(missing)} not listed {missing[:3]}, {len(unknown)} not there {unknown[:3]}",
            remedy="name the fold file of these gaits with --folds, or pass --folds '' to go without persons",
        )
    for key, row in facts.items():
        if row["label"] not in ("", str(found[key])) or not row["group"]:
            raise DataError(
                f"{folds}, key {key!r}",
                f"needs a group, and the label of {labels.name}, {found[key]}",
                found=f"label {row['label']!r}, group {row['group']!r}",
                remedy="correct it",
            )
        if not all(row.get(name, "").isprintable() for name in ("group", "acted", "source")):
            raise DataError(f"{folds}, key {key!r}", "holds control characters", remedy="correct the row")
    return NativeGaits(positions, {key: found[key] for key in positions}, facts, frame_step)

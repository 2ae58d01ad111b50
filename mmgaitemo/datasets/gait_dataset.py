"""Gaits from files: E-Gait's native pairs and gait archives."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.datasets.base import SkeletonDataset
from mmgaitemo.datasets.egait_files import HOW_TO_GET_EGAIT
from mmgaitemo.datasets.sources import source_from_config
from mmgaitemo.datasets.splits import NEVER_HELD_OUT, UNLABELLED, folds_from_csv, grouped_folds
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.registry import DATASETS

EGAIT_CLASSES = ("happy", "angry", "sad", "neutral")
CLASS_NOTE = (
    "the names of E-Gait's labels are contested: the acted emotions of its gaits support "
    "0 happy, 1 angry, 2 sad, 3 neutral; the code of STEP says 0 angry, 1 neutral, 2 happy, 3 sad. "
    "Training and scores use the ids alone"
)


@DATASETS.register_module()
class GaitDataset(SkeletonDataset):
    """Gaits from one or several sources: gait archives, and pairs of ``features.h5`` and ``labels.h5``.

    Ids of an archive and keys of a pair are the sample ids, unchanged, and have to be unique over the sources. Folds
    come from either of

    * a fold file: persons and folds as written there, for exactly the ids of the data;
    * ``fold_file=None``: a class-balanced deal of the persons, seeded by ``split_seed``; as many folds as persons
      leave one person out each. The persons of an archive are its groups; the same group in two archives is one
      person. Two keys of a pair belong to one person where ``person_pattern`` finds the same text in them. A key in
      which it finds nothing, or every key where there is no pattern, counts as a person of its own: **then gaits of
      one person fall on both sides and the test reads too high.** Give a pattern, or a fold file, for any number that
      is to be compared.

    A source with ``pretrain_only=True`` adds its walks, without their labels, to the training split of every fold;
    none of them is ever held out.

    Args:
        data_root: Folder of the files.
        files: Name of a source to ``dict(archive=...)`` or ``dict(features=..., labels=...)``, see ``ArchiveFile`` and
            ``NativePair``; ``None`` takes the source out. Samples come in the order of source names, then of the
            archive, or of keys.
        pipeline: See ``SkeletonDataset``.
        skeleton: Layout of the files' rows.
        classes: Class names, in the order of the ids; the default is the mapping that E-Gait's acted emotions support.
            Wherever these four names are used, ``metainfo['class_note']`` says that they are contested.
        fold_file: CSV file below the data root, see ``folds_from_csv``; or ``None``.
        split: See ``SkeletonDataset``, as are the arguments down to ``lazy_init``.
        fold: The fold held out.
        unused_fold: A further fold in neither split, see ``SkeletonDataset``.
        num_folds: Number of folds; a fold file has to hold just as many.
        split_seed: Seed of the deal without a fold file.
        person_pattern: Regular expression with one capture group, searched in the keys of pairs; only
            without a fold file.
        walk_pattern: Regular expression with one capture group, searched in the ids: recordings in which it finds the
            same text show one walk, seen by several sensors. One in which it finds nothing is a walk of its own.
        label_fraction: Part of the labelled training sequences kept.
        label_seed: Seed of that choice.
        label_file: Committed choices to take instead of drawing.
        how_to_get: What the message about a missing file tells the user to do.
        metainfo: Further entries of ``metainfo``.
        lazy_init: Leave the loading to the first use.

    Raises:
        ConfigError: An argument is impossible.
        DataError: A file is missing, damaged, or holds what is no gait.
    """

    def __init__(
        self,
        *,
        data_root: str,
        files: Mapping[str, dict[str, Any] | None],
        pipeline: Mapping[str, Any],
        skeleton: str = "egait16",
        classes: Sequence[str] = EGAIT_CLASSES,
        fold_file: str | None = "folds.csv",
        split: str = "train",
        fold: int = 0,
        unused_fold: int | None = None,
        num_folds: int = 5,
        split_seed: int = 0,
        person_pattern: str | None = None,
        walk_pattern: str | None = None,
        label_fraction: float = 1.0,
        label_seed: int = 0,
        label_file: str | None = None,
        how_to_get: str = HOW_TO_GET_EGAIT,
        metainfo: Mapping[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if not isinstance(files, Mapping) or not any(files.values()):
            raise ConfigError(
                "GaitDataset.files",
                "there is no named source",
                found=repr(files),
                remedy="write files=dict(own=dict(archive='own.gait.h5'))",
            )
        self.root = Path(data_root).expanduser()
        self.files = {
            name: source_from_config(f"GaitDataset.files.{name}", config)
            for name, config in sorted(files.items())  # a dumped config has sorted keys: keep the order of samples
            if config is not None
        }
        self.fold_file, self.split_seed, self.how_to_get = fold_file, split_seed, how_to_get
        self.person, self.walk = _compile("person", person_pattern), _compile("walk", walk_pattern)
        if fold_file is not None and person_pattern is not None:
            raise ConfigError(
                "GaitDataset.person_pattern",
                "the persons come from the fold file",
                remedy="set fold_file=None or person_pattern=None",
            )
        contested = sorted(str(name).lower() for name in classes) == sorted(EGAIT_CLASSES)
        super().__init__(
            pipeline=pipeline,
            skeleton=skeleton,
            classes=classes,
            split=split,
            fold=fold,
            unused_fold=unused_fold,
            num_folds=num_folds,
            label_fraction=label_fraction,
            label_seed=label_seed,
            label_file=label_file,
            metainfo={"class_note": CLASS_NOTE if contested else "", **(metainfo or {})},
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read and check all sources; see ``SkeletonDataset``."""
        records: dict[str, dict[str, Any]] = {}
        for source, files in self.files.items():
            for record in files.index(self.root, self.skeleton, self.classes, self.how_to_get):
                if record["id"] in records:
                    raise DataError(
                        f"{files.paths(self.root)[0]}, key {record['id']!r}",
                        "another source has the same key, and keys are the sample ids",
                        found=f"sources {records[record['id']]['source']!r} and {source!r}",
                        remedy="rename the key in one source, or leave one source out",
                    )
                records[record["id"]] = record | {"source": source, "group": self._group(record, source)}
        self._check_found("walk", self.walk, records)
        self._deal({key: record for key, record in records.items() if not self._pretrains(record)})
        for record in records.values():
            if self._pretrains(record):
                record.update(label=UNLABELLED, fold=NEVER_HELD_OUT)
        return list(records.values())

    def load_positions(self, records: Sequence[dict[str, Any]]) -> Iterator[np.ndarray]:
        """(T, V, 3) of each record, source by source."""
        for source, members in groupby(records, key=lambda record: record["source"]):
            yield from self.files[source].positions(self.root, list(members))

    def source_key(self) -> Hashable:
        """The files as they are now, and how they are read; a copy with the old time stamps is another file."""
        paths = [path for files in self.files.values() for path in files.paths(self.root) if path.exists()]
        stats = [(str(path.resolve()), path.stat()) for path in paths]
        fresh = ((path, s.st_ino, s.st_ctime_ns, s.st_mtime_ns, s.st_size) for path, s in stats)
        return repr(self.files), tuple(fresh)

    def _pretrains(self, record: dict[str, Any]) -> bool:
        return self.files[record["source"]].pretrain_only

    def _deal(self, records: dict[str, dict[str, Any]]) -> None:
        """Give the records that may be held out their fold."""
        if not records:
            raise ConfigError(
                "GaitDataset.files",
                "every source is pretrain_only, so nothing can be held out",
                found=list(self.files),
                remedy="leave pretrain_only out for one of them; pre-training never looks at its labels",
            )
        labels = {key: record["label"] for key, record in records.items()}
        if self.fold_file is not None:
            for key, (group, fold) in folds_from_csv(self.root / self.fold_file, labels, self.num_folds).items():
                records[key].update(group=group, fold=fold)
            return
        self._check_found("person", self.person, records)
        groups = [record["group"] for record in records.values()]
        folds = grouped_folds(list(labels.values()), groups, self.num_folds, self.split_seed)
        for record, fold in zip(records.values(), folds, strict=True):
            record["fold"] = fold

    @staticmethod
    def _check_found(what: str, pattern: re.Pattern[str] | None, keys: Iterable[str]) -> None:
        if pattern and not any(map(pattern.search, keys)):
            raise ConfigError(
                f"GaitDataset.{what}_pattern",
                "the pattern matches no key",
                found=f"{pattern.pattern!r}; keys such as {next(iter(keys))!r}",
                remedy=f"correct it, or set None to take every gait for a {what} of its own",
            )

    def _group(self, record: dict[str, Any], source: str) -> str:
        if record["group"] is not None:  # as it is: a person in two archives is one person
            return record["group"]
        match = self.person.search(record["id"]) if self.person else None
        return f"{source}:{match[1]}" if match and match[1] else record["id"]

    def walk_of(self, name: str) -> str:
        """What ``walk_pattern`` finds in an id."""
        match = self.walk.search(name) if self.walk else None
        return match[1] if match and match[1] else name


def _compile(what: str, pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"GaitDataset.{what}_pattern", f"no regular expression: {error}", found=repr(pattern), remedy="correct it"
        ) from None
    if compiled.groups != 1:
        raise ConfigError(
            f"GaitDataset.{what}_pattern",
            f"needs one capture group around the {what}'s name",
            found=repr(pattern),
            remedy=r"write for instance r'^(\w+?)_'",
        )
    return compiled

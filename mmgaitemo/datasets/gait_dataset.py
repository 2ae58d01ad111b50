"""Gaits in E-Gait's file format: the data set itself, or any recordings converted to a pair of such files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgaitemo.datasets.base import SkeletonDataset
from mmgaitemo.datasets.egait_files import HOW_TO_GET_EGAIT, read_features, read_labels
from mmgaitemo.datasets.splits import UNLABELLED, folds_from_csv, grouped_folds
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.registry import DATASETS

EGAIT_CLASSES = ("happy", "angry", "sad", "neutral")
CLASS_NOTE = (
    "the names of E-Gait's labels are contested: the acted emotions of its gaits support "
    "0 happy, 1 angry, 2 sad, 3 neutral; the code of STEP says 0 angry, 1 neutral, 2 happy, 3 sad. "
    "Training and scores use the ids alone"
)


@dataclass(frozen=True)
class GaitFiles:
    """One source.

    Args:
        features: File of the coordinates, below the data root.
        labels: File of the labels, below the data root; ``None`` = unlabelled.
        frame_step: Keep every so many-th frame (BPM-GCN takes every fifth of the 240 frames of E-Gait's ELMD part).
    """

    features: str
    labels: str | None
    frame_step: int = 1

    @classmethod
    def from_config(cls, where: str, config: Mapping[str, Any]) -> GaitFiles:
        """Check and take over a config entry.

        Raises:
            ConfigError: An entry is missing, unknown or impossible.
        """
        try:
            files = cls(**config)
        except TypeError as error:
            raise ConfigError(
                where,
                "a source needs features='....h5', labels='....h5' or None, and may have frame_step",
                found=str(error).replace("GaitFiles.__init__() ", ""),
                remedy="correct the entry",
            ) from None
        if not isinstance(files.frame_step, int) or files.frame_step < 1:
            raise ConfigError(
                f"{where}.frame_step",
                "needs a whole number of at least 1",
                found=repr(files.frame_step),
                remedy="write 1 to keep every frame, 5 to keep every fifth",
            )
        return files


@DATASETS.register_module()
class GaitDataset(SkeletonDataset):
    """Gaits from one or several pairs of ``features.h5`` and ``labels.h5`` (see ``egait_files``).

    Keys are the sample ids, unchanged, and have to be unique over the sources. Folds come from either of

    * a fold file: persons and folds as written there, for exactly the keys of the data;
    * ``fold_file=None``: a class-balanced deal of the persons, seeded by ``split_seed``. Two keys of one source belong
      to one person where ``person_pattern`` finds the same text in them. A key in which it finds nothing, or every key
      where there is no pattern, counts as a person of its own: **then gaits of one person fall on both sides and the
      test reads too high.** Give a pattern, or a fold file, for any number that is to be compared.

    Args:
        data_root: Folder of the files.
        files: Name of a source to ``dict(features=..., labels=..., frame_step=1)``, see ``GaitFiles``; ``None`` takes
            the source out. Samples come in the order of source names, then keys.
        pipeline: See ``SkeletonDataset``.
        skeleton: Layout of the files' rows.
        classes: Class names, in the order of the ids; the default is the mapping that E-Gait's acted emotions support.
            Wherever these four names are used, ``metainfo['class_note']`` says that they are contested.
        fold_file: CSV file below the data root, see ``folds_from_csv``; or ``None``.
        split: See ``SkeletonDataset``, as are the arguments down to ``lazy_init``.
        fold: The fold held out.
        num_folds: Number of folds; a fold file has to hold just as many.
        split_seed: Seed of the deal without a fold file.
        person_pattern: Regular expression with one capture group, searched in the keys; only without a fold file.
        label_fraction: Part of the labelled training sequences kept.
        label_seed: Seed of that choice.
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
        num_folds: int = 5,
        split_seed: int = 0,
        person_pattern: str | None = None,
        label_fraction: float = 1.0,
        label_seed: int = 0,
        how_to_get: str = HOW_TO_GET_EGAIT,
        metainfo: Mapping[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if not isinstance(files, Mapping) or not any(files.values()):
            raise ConfigError(
                "GaitDataset.files",
                "there is no named source",
                found=repr(files),
                remedy="write files=dict(own=dict(features='features.h5', labels='labels.h5'))",
            )
        self.root = Path(data_root).expanduser()
        self.files = {
            name: GaitFiles.from_config(f"GaitDataset.files.{name}", config)
            for name, config in files.items()
            if config is not None
        }
        self.fold_file, self.split_seed, self.how_to_get = fold_file, split_seed, how_to_get
        self.person = _compile(person_pattern)
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
            num_folds=num_folds,
            label_fraction=label_fraction,
            label_seed=label_seed,
            metainfo={"class_note": CLASS_NOTE if contested else "", **(metainfo or {})},
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read and check all files; see ``SkeletonDataset``."""
        records: dict[str, dict[str, Any]] = {}
        for source, files in sorted(self.files.items()):  # a dumped config has sorted keys: keep the order of samples
            features = self.root / files.features
            gaits = read_features(features, self.skeleton, frame_step=files.frame_step, how_to_get=self.how_to_get)
            labels = dict.fromkeys(gaits, UNLABELLED)
            if files.labels is not None:
                path = self.root / files.labels
                labels = read_labels(path, features, gaits, self.classes, how_to_get=self.how_to_get)
            for key, positions in gaits.items():
                if key in records:
                    raise DataError(
                        f"{features}, key {key!r}",
                        "another source has the same key, and keys are the sample ids",
                        found=f"sources {records[key]['source']!r} and {source!r}",
                        remedy="rename the key in both files of one source, or leave one source out",
                    )
                records[key] = {"id": key, "positions": positions, "label": labels[key], "source": source}
        labels = {key: record["label"] for key, record in records.items()}
        if self.fold_file is not None:
            table = folds_from_csv(self.root / self.fold_file, labels, self.num_folds)
        else:
            groups = [self._group(record) for record in records.values()]
            if self.person and not any(map(self.person.search, records)):
                raise ConfigError(
                    "GaitDataset.person_pattern",
                    "the pattern matches no key",
                    found=f"{self.person.pattern!r}; keys such as {next(iter(records))!r}",
                    remedy="correct it, or set None to take every gait for a person of its own",
                )
            folds = grouped_folds(list(labels.values()), groups, self.num_folds, self.split_seed)
            table = dict(zip(records, zip(groups, folds, strict=True), strict=True))
        return [{**record, "group": table[key][0], "fold": table[key][1]} for key, record in records.items()]

    def _group(self, record: dict[str, Any]) -> str:
        match = self.person.search(record["id"]) if self.person else None
        return f"{record['source']}:{match[1]}" if match and match[1] else record["id"]


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            "GaitDataset.person_pattern", f"no regular expression: {error}", found=repr(pattern), remedy="correct it"
        ) from None
    if compiled.groups != 1:
        raise ConfigError(
            "GaitDataset.person_pattern",
            "needs one capture group around the person's name",
            found=repr(pattern),
            remedy=r"write for instance r'^(\w+?)_'",
        )
    return compiled

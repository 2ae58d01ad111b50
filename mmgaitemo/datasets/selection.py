"""Which of the sequences of a source a data set holds: the split, the fold held out, the fraction of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmgaitemo.datasets.label_lists import read_label_list
from mmgaitemo.datasets.splits import UNLABELLED, nested_fraction
from mmgaitemo.errors import ConfigError, DataError

SPLITS = ("train", "test", "all")


@dataclass(frozen=True)
class Selection:
    """A split of the folds; the arguments are those of ``SkeletonDataset``."""

    split: str
    fold: int
    unused_fold: int | None
    num_folds: int
    label_fraction: float
    label_seed: int
    label_file: str | None

    def check(self, name: str) -> None:
        """Refuse what cannot be meant.

        Args:
            name: Of the data set class, for messages.

        Raises:
            ConfigError: An argument is impossible.
        """
        folds, fraction = self.num_folds, self.label_fraction
        number = isinstance(fraction, (int, float)) and not isinstance(fraction, bool)
        checks = [
            ("split", self.split in SPLITS, "no such split", f"use one of {SPLITS}"),
            ("num_folds", _whole(folds) and folds >= 2, "needs at least two folds", "use a whole number of at least 2"),
            (
                "label_seed",
                _whole(self.label_seed) and 0 <= self.label_seed < 2**32,
                "is no seed",
                "use 0 to 2**32 - 1",
            ),
            ("label_fraction", number and 0 < fraction <= 1, "is no fraction in (0, 1]", "use 0.1 for a tenth"),
            (
                "label_fraction",
                fraction == 1 or self.split == "train",
                f"thins the training split only, this is {self.split!r}",
                "set it in the dataset of the training dataloader",
            ),
        ]
        for argument, fulfilled, problem, remedy in checks:
            if not fulfilled:
                found = repr(getattr(self, argument))
                raise ConfigError(f"{name}.{argument}", problem, found=found, remedy=remedy)
        if not _whole(self.fold) or not 0 <= self.fold < folds:
            raise ConfigError(
                f"{name}.fold", "no such fold", found=repr(self.fold), remedy=f"use one of 0 to {folds - 1}"
            )
        if self.unused_fold is not None:
            self._check_unused(name)

    def _check_unused(self, name: str) -> None:
        others = [fold for fold in range(self.num_folds) if fold != self.fold]
        if not _whole(self.unused_fold) or self.unused_fold not in others:
            raise ConfigError(
                f"{name}.unused_fold",
                "has to be another fold than the one held out",
                found=f"{self.unused_fold!r}, fold {self.fold}",
                remedy=f"use one of {others}, or None",
            )
        if self.num_folds == 2:
            raise ConfigError(
                f"{name}.unused_fold",
                "leaves nothing to train on",
                found="two folds",
                remedy="use num_folds=3 or more, or unused_fold=None",
            )
        if self.label_file is not None:
            raise ConfigError(
                f"{name}.unused_fold",
                "label lists are made for all folds but one, and a second one is left out here",
                found=f"label_file {self.label_file!r}",
                remedy="set label_file=None to draw the walks, or unused_fold=None",
            )

    def rows(self, records: Sequence[dict[str, Any]], classes: Sequence[str], name: str) -> list[int]:
        """Choose from all sequences.

        Args:
            records: ``id``, ``label`` and ``fold`` of each sequence.
            classes: Class names, in the order of the ids.
            name: Of the data set class, for messages.

        Returns:
            Indices into ``records``, ascending.

        Raises:
            DataError: A class has no training sequence, or a label file was made for other sequences.
            ConfigError: The label file has no such list.
        """
        if self.split == "all":
            return list(range(len(records)))
        if self.split == "test":
            return [row for row, record in enumerate(records) if record["fold"] == self.fold]
        left_out = {self.fold, self.unused_fold}
        train = [row for row, record in enumerate(records) if record["fold"] not in left_out]
        labels = [records[row]["label"] for row in train]
        present = set(labels)
        absent = [f"{text} (id {label})" for label, text in enumerate(classes) if label not in present]
        if absent and present != {UNLABELLED}:
            without = " and ".join(str(fold) for fold in (self.fold, self.unused_fold) if fold is not None)
            raise DataError(
                f"{name}, training split without fold {without}",
                "a class has no training sequence",
                found=", ".join(absent),
                remedy="hold out another fold, or list in classes only those that the data have",
            )
        ids = [records[row]["id"] for row in train]
        if self.label_file is None:
            keep = nested_fraction(ids, labels, self.label_fraction, self.label_seed)
        else:
            keep = read_label_list(self.label_file, self.fold, self.label_seed, self.label_fraction, ids, labels)
        return [train[index] for index in keep]


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

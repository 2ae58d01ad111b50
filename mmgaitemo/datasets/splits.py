"""Who is trained on and who is tested on: folds that never part a person, and nested fractions of the labels."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from mmgaitemo.datasets.egait_files import require_file, some
from mmgaitemo.errors import ConfigError, DataError

FOLD_COLUMNS = ("key", "label", "group", "fold")
UNLABELLED = -1
NEVER_HELD_OUT = -1


def folds_from_csv(path: Path, labels: Mapping[str, int], num_folds: int) -> dict[str, tuple[str, int]]:
    """Read person and fold of every sequence from a CSV file.

    Columns ``key``, ``label`` (may be empty), ``group`` (the person, or a set whose persons are unknown) and ``fold``
    are read; others are free.

    Args:
        path: The CSV file.
        labels: Key to class id (-1 = unlabelled) of every sequence at hand.
        num_folds: The file must hold exactly the folds 0 .. num_folds - 1.

    Returns:
        Key to (group, fold), for exactly the keys of ``labels``.

    Raises:
        DataError: The file is missing, is no such table, does not list exactly these keys with these labels, or parts
            a person over folds.
    """
    rows = read_fold_table(path)
    unknown, missing = set(rows) - set(labels), set(labels) - set(rows)
    if unknown or missing:
        sides = [(missing, "in the data only"), (unknown, "in the fold file only")]
        raise DataError(
            str(path),
            "the fold file does not list the keys of the data",
            found="; ".join(f"{text}: {some(side)}" for side, text in sides if side),
            remedy="use the fold file of this data, or fold_file=None with person_pattern=... for a seeded split",
        )
    table: dict[str, tuple[str, int]] = {}
    folds_of: dict[str, int] = {}
    for key, row in rows.items():
        where = f"{path}, key {key!r}"
        group, fold = row["group"], _whole(row["fold"], where, "fold")
        stated = _whole(row["label"], where, "label") if row["label"] else UNLABELLED
        if UNLABELLED not in (stated, labels[key]) and stated != labels[key]:
            raise DataError(
                where,
                "the fold file and the label file disagree",
                found=f"label {stated} here, {labels[key]} there",
                remedy="use the fold file of this data",
            )
        if not group:
            raise DataError(
                where, "the group is empty", remedy="write the person's name, or the key itself where nobody shares it"
            )
        if folds_of.setdefault(group, fold) != fold:
            raise DataError(
                where,
                f"person {group!r} is in two folds, which leaks the person into the test",
                found=f"folds {folds_of[group]} and {fold}",
                remedy="give all sequences of a person the same fold",
            )
        table[key] = group, fold
    if set(folds_of.values()) != set(range(num_folds)):
        raise DataError(
            str(path),
            f"num_folds={num_folds} needs the folds 0 to {num_folds - 1}, each with a sequence",
            found=f"folds {sorted(set(folds_of.values()))}",
            remedy="set num_folds to the number of folds in the file",
        )
    return table


def read_fold_table(path: Path) -> dict[str, dict[str, str]]:
    """Key to the row of a fold file, every cell as text.

    Raises:
        DataError: The file is missing or no such table, or a key occurs twice.
    """
    require_file(
        path,
        "put the fold file there, or set fold_file=None and person_pattern=... for a seeded split (docs/data.md)",
    )
    rows: dict[str, dict[str, str]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            header = reader.fieldnames or []
            absent = [column for column in FOLD_COLUMNS if column not in header]
            if absent:
                raise DataError(
                    str(path),
                    f"column(s) {', '.join(absent)} missing",
                    found=f"columns {', '.join(map(str, header))[:200]}" if header else "no header line",
                    remedy=f"write the columns {', '.join(FOLD_COLUMNS)}",
                )
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise DataError(where, f"the row does not have {len(header)} cells", remedy="correct the row")
                if row["key"] in rows:
                    raise DataError(where, "the key occurs twice", found=repr(row["key"]), remedy="remove one row")
                rows[row["key"]] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            str(path), "the file is no UTF-8 CSV table", found=error, remedy=f"write {', '.join(FOLD_COLUMNS)}"
        ) from None
    return rows


def _whole(text: str, where: str, column: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataError(
            where, f"column {column} needs a whole number", found=repr(text[:80]), remedy="correct the row"
        ) from None


def grouped_folds(labels: Sequence[int], groups: Sequence[str], num_folds: int, seed: int) -> list[int]:
    """Deal sequences to folds: class-balanced as far as the persons allow, no person in two folds.

    As many folds as persons leave one person out each, in the order of their names. Otherwise the deal is that of
    scikit-learn's ``StratifiedGroupKFold``, a function of the arguments alone; pass the sequences in a fixed order.

    Args:
        labels: Class id of each of the N sequences; -1 (unlabelled) counts as a class.
        groups: Person of each of the N sequences.
        num_folds: Number of folds.
        seed: Seed of the deal.

    Returns:
        Fold of each sequence, 0 .. num_folds - 1, every fold non-empty.

    Raises:
        ConfigError: More folds than persons, or than sequences in the largest class; or no seed.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ConfigError("split_seed", "is no seed", found=repr(seed), remedy="use a whole number from 0 to 2**32 - 1")
    persons, largest = sorted(set(groups)), max(Counter(labels).values(), default=0)
    if num_folds == len(persons):  # nothing to balance, and scikit-learn sometimes leaves a fold empty here
        return [persons.index(group) for group in groups]
    if num_folds > len(persons) or num_folds > largest:
        raise ConfigError(
            "num_folds",
            "there are more folds than persons, or than sequences in the largest class",
            found=f"{num_folds} folds, {len(persons)} persons, {largest} sequences",
            remedy=f"use at most {min(len(persons), largest)} folds",
        )
    splitter = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    folds = np.full(len(labels), -1)
    for fold, (_, test) in enumerate(splitter.split(np.zeros(len(labels)), labels, groups)):
        folds[test] = fold
    empty = sorted(set(range(num_folds)) - set(folds.tolist()))
    if empty:
        raise ConfigError(
            "num_folds",
            "the persons are too unequal to fill every fold",
            found=f"fold(s) {empty} empty of {num_folds}",
            remedy="use fewer folds or another split_seed",
        )
    return folds.tolist()


def nested_fraction(ids: Sequence[str], labels: Sequence[int], fraction: float, seed: int) -> list[int]:
    """Choose which sequences keep their place when only a fraction of the labels may be used.

    Per class the sorted ids are shuffled by the seed and the first ceil(fraction * n_c), at least one, are kept. So a
    smaller fraction is a subset of a larger one, and the balance of the classes stays.

    Args:
        ids: Unique id of each sequence.
        labels: Class id of each; unlabelled sequences (-1) cost no label and are always kept.
        fraction: In (0, 1].
        seed: Seed of the shuffle.

    Returns:
        Indices into ``ids``, ascending.
    """
    kept = [index for index, label in enumerate(labels) if label == UNLABELLED]
    for label in sorted(set(labels) - {UNLABELLED}):
        members = sorted((index for index, other in enumerate(labels) if other == label), key=ids.__getitem__)
        # RandomState's stream is frozen by NumPy's policy: the same seed draws the same subset in every version.
        order = np.random.RandomState([seed, label]).permutation(len(members))
        count = math.ceil(fraction * len(members) - 1e-9)  # 0.07 * 100 is a hair above 7
        kept += [members[position] for position in order[: max(count, 1)]]
    return sorted(kept)

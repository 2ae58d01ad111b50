"""Folds that never part a person, and fractions of the labels that nest."""

from __future__ import annotations

import csv
import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mmgaitemo.datasets.splits import folds_from_csv, grouped_folds, nested_fraction
from mmgaitemo.errors import ConfigError

FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0)


def population(persons: int = 23, seed: int = 0) -> tuple[list[str], list[int], list[str]]:
    """Persons with one to nine gaits each, of unequally frequent classes."""
    rng = np.random.default_rng(seed)
    groups = [f"p{person}" for person in range(persons) for _ in range(rng.integers(1, 10))]
    labels = rng.choice(4, len(groups), p=[0.4, 0.1, 0.2, 0.3]).tolist()
    return [f"gait{i:03d}" for i in rng.permutation(len(groups))], labels, groups


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("num_folds", [2, 5, 10])
def test_no_person_is_in_two_folds_and_every_sequence_is_in_one(num_folds, seed):
    _, labels, groups = population()
    folds = grouped_folds(labels, groups, num_folds, seed)
    assert len(folds) == len(labels)
    assert set(folds) == set(range(num_folds))
    for group in set(groups):
        assert len({fold for fold, other in zip(folds, groups, strict=True) if other == group}) == 1


def test_folds_keep_the_balance_of_the_classes():
    """Where persons allow it: one gait of each class per person."""
    groups = [f"p{person}" for person in range(40) for _ in range(4)]
    labels = list(range(4)) * 40
    folds = np.array(grouped_folds(labels, groups, 5, 0))
    for fold in range(5):
        assert Counter(np.array(labels)[folds == fold]) == dict.fromkeys(range(4), 8)


def test_folds_follow_from_the_seed():
    _, labels, groups = population()
    assert grouped_folds(labels, groups, 5, 3) == grouped_folds(labels, groups, 5, 3)
    assert len({tuple(grouped_folds(labels, groups, 5, seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("labels", "groups", "num_folds", "seed", "words"),
    [
        ([0, 1] * 6, ["a", "b", "c"] * 4, 4, 0, ["num_folds", "4 folds, 3 persons", "at most 3"]),
        ([0, 1, 2, 3] * 2, list("abcdefgh"), 3, 0, ["num_folds", "2 sequences", "at most 2"]),
        ([], [], 2, 0, ["num_folds", "0 persons"]),
        ([0, 1] * 6, list("abcdefghijkl"), 2, -1, ["split_seed", "-1"]),
        ([0, 1] * 6, list("abcdefghijkl"), 2, 0.5, ["split_seed", "0.5"]),
    ],
)
def test_impossible_folds_are_refused(labels, groups, num_folds, seed, words):
    with pytest.raises(ConfigError) as caught:
        grouped_folds(labels, groups, num_folds, seed)
    assert all(word in str(caught.value) for word in words), caught.value


def test_as_many_folds_as_persons_leave_one_person_out():
    """Also with classes so unequal that scikit-learn's splitter leaves a fold empty."""
    groups = ["d"] * 4 + ["a"] * 4 + ["b"] + ["c"] * 3
    labels = [2] * 4 + [0, 0, 1, 1] + [2] + [0, 1, 2]
    assert grouped_folds(labels, groups, 4, 0) == [3] * 4 + [0] * 4 + [1] + [2] * 3


def test_a_fold_that_stays_empty_is_an_error(monkeypatch: pytest.MonkeyPatch):
    class Lazy:
        def __init__(self, *_, **__):
            pass

        def split(self, x, y, groups):
            yield np.arange(4), np.arange(4, len(x))
            yield np.arange(len(x)), np.array([], dtype=int)

    monkeypatch.setattr("mmgaitemo.datasets.splits.StratifiedGroupKFold", Lazy)
    with pytest.raises(ConfigError, match=r"fold\(s\) \[1\] empty of 2"):
        grouped_folds([0, 1] * 5, list("abcdefghij"), 2, 0)


@pytest.mark.parametrize("seed", range(3))
def test_smaller_fractions_are_subsets_of_larger_ones(seed):
    ids, labels, _ = population()
    chosen = [set(nested_fraction(ids, labels, fraction, seed)) for fraction in FRACTIONS]
    assert all(small <= large for small, large in pairwise(chosen))
    assert chosen[-1] == set(range(len(ids)))
    assert len(chosen[0]) < len(chosen[-1])


@pytest.mark.parametrize("fraction", [*FRACTIONS, 0.07, 0.29, 1 / 3, 1e-12])
def test_each_class_keeps_its_share_rounded_up_and_at_least_one(fraction):
    labels = [0] * 100 + [1] * 7 + [2] * 1 + [3] * 30
    ids = [f"{i:03d}" for i in range(len(labels))]
    kept = Counter(labels[index] for index in nested_fraction(ids, labels, fraction, 0))
    for label, count in Counter(labels).items():
        exact = round(fraction * count, 6)
        assert kept[label] == max(1, math.ceil(exact))


def test_the_choice_depends_on_ids_and_seed_and_not_on_the_order_of_the_files():
    ids, labels, _ = population()
    chosen = {ids[index] for index in nested_fraction(ids, labels, 0.3, 1)}
    order = np.random.default_rng(5).permutation(len(ids))
    shuffled, their_labels = [ids[i] for i in order], [labels[i] for i in order]
    assert {shuffled[index] for index in nested_fraction(shuffled, their_labels, 0.3, 1)} == chosen
    assert {ids[index] for index in nested_fraction(ids, labels, 0.3, 2)} != chosen


def test_choice_of_a_seed_is_frozen():
    """A published fraction has to stay the same list; committed here."""
    ids = [f"{i:02d}" for i in range(12)]
    assert nested_fraction(ids, [0] * 6 + [1] * 6, 0.5, 0) == [3, 4, 5, 6, 7, 11]


def test_unlabelled_sequences_cost_no_label():
    ids, labels = [f"{i:02d}" for i in range(12)], [0, 1, -1] * 4
    kept = nested_fraction(ids, labels, 0.25, 0)
    assert Counter(labels[index] for index in kept) == {-1: 4, 0: 1, 1: 1}
    assert kept == sorted(kept)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_fold_file_gives_person_and_fold_of_each_key(tmp_path: Path, encoding: str):
    path = tmp_path / "folds.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file)
        writer.writerow(["key", "label", "acted", "source", "group", "fold"])
        writer.writerow(["b.csv", "1", "sad", "", "lab, room 2:Zoë", "1"])
        writer.writerow(["a.csv", "", "", "CMU", "CMU:5", "0"])
        writer.writerow(["c.csv", "3", "", "CMU", "CMU:5", "0"])
    table = folds_from_csv(path, {"a.csv": 2, "b.csv": 1, "c.csv": -1}, 2)
    assert table == {"a.csv": ("CMU:5", 0), "b.csv": ("lab, room 2:Zoë", 1), "c.csv": ("CMU:5", 0)}

"""The labels of a few persons: every choice of them in turn, and what becomes of the several answers."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import fake_study
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.evaluation.linear_probe import FEW_LABELS, linear_probe
from mmgaitemo.statistics import read_results
from mmgaitemo.statistics.summary import confusion
from mmgaitemo.study.protocols import Features, LinearProbe

LINES = fake_study.lines()
END = ("ssal", "linear")


def walks_of(persons: int) -> Features:
    """Six walks of three classes for each person; the last one's have no labels."""
    rng = np.random.default_rng(5)
    labels = torch.tensor([0, 0, 1, 1, 2, 2] * persons + [-1] * 6)
    groups = [f"person{number}" for number in range(persons + 1) for _ in range(6)]
    known = torch.from_numpy(rng.normal(size=(len(groups), 4))) + labels[:, None]
    queries = torch.from_numpy(rng.normal(size=(9, 4)) + 1)
    return Features(
        known, labels, [f"w{i:03d}" for i in range(len(groups))], groups, queries, 3, None, Config(), seed=1
    )


def test_every_choice_of_labelled_persons_is_a_probe_of_its_own() -> None:
    features = walks_of(4)
    scores, settings = LinearProbe(persons=1).run(features)
    assert scores.shape == (4, 9, 3) and settings == {"C": [FEW_LABELS] * 4, "labels": [6] * 4}
    for number, answer in enumerate(scores):
        rows = slice(6 * number, 6 * number + 6)
        alone = linear_probe(features.known[rows], features.labels[rows], features.queries, 3, FEW_LABELS)
        np.testing.assert_array_equal(answer, alone)
    pairs, chosen = LinearProbe(persons=2).run(features)
    assert len(pairs) == len([*combinations(range(4), 2)]) == 6 and chosen["labels"] == [12] * 6
    whole, _ = LinearProbe(persons=4).run(features)
    np.testing.assert_array_equal(whole, LinearProbe().run(features)[0])


@pytest.mark.parametrize(
    ("persons", "asked", "found"), [(4, 5, "0 choices of 5 of 4"), (15, 2, "105 choices of 2 of 15")]
)
def test_too_few_persons_and_too_many_choices_are_refused(persons: int, asked: int, found: str) -> None:
    with pytest.raises(ConfigError, match=rf"LinearProbe.persons: needs.*{found}"):
        LinearProbe(persons=asked).run(walks_of(persons))


def asked_thrice(folder: Path) -> Path:
    """A study whose cells of END hold the answers that they held, and twice that the walk is of class 0."""
    lines = [dict(line) for line in LINES]
    for line in lines:
        if (line["method"], line["protocol"]) == END:
            line["votes"] = (np.eye(4, dtype=int)[line.pop("predictions")] + 2 * np.eye(4, dtype=int)[0]).tolist()
            zeros = np.mean(np.equal(line["truth"], 0))
            line["metrics"] = {**line["metrics"], "accuracy": (line["metrics"]["accuracy"] + 2 * zeros) / 3}
    return fake_study.write(folder, lines)


def test_several_answers_count_alike(tmp_path: Path) -> None:
    once, thrice = (
        read_results(fake_study.write(tmp_path / "once", LINES)),
        read_results(asked_thrice(tmp_path / "thrice")),
    )
    for run, cell in thrice.cells[END].items():
        expected = (once.cells[END][run].correct + 2 * (cell.truth == 0)) / 3
        np.testing.assert_allclose(cell.correct, expected)
    matrix = confusion(thrice, END)
    assert matrix.sum(1).tolist() == confusion(once, END).sum(1).tolist()
    assert matrix[:, 0].sum() > 2 / 3 * matrix.sum()


@pytest.mark.parametrize("votes", [[1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 3.0], [4, -1, 0, 0], "all"])
def test_damaged_votes_are_refused(votes: object, tmp_path: Path) -> None:
    folder = asked_thrice(tmp_path)
    lines = [json.loads(text) for text in (folder / "cells.jsonl").read_text().splitlines()]
    line = next(line for line in lines if "votes" in line)
    line["votes"][0] = votes
    (folder / "cells.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError, match="is no cell of this study"):
        read_results(folder)

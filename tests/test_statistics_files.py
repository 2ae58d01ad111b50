"""What a study left is read strictly: damaged or foreign files are refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import fake_study
import pytest

from mmgaitemo.errors import DataError
from mmgaitemo.statistics import StudyResult, read_results, summarise

LINES = fake_study.lines()


def study(folder: Path, cells: list[dict] | None = None, **changes: object) -> StudyResult:
    return read_results(fake_study.write(folder, LINES if cells is None else cells, **changes))


def broken(change: Callable[[dict], dict]) -> list[dict]:
    """The lines with the one of ssal, linear, fold 1, seed 2 changed."""
    place = {"method": "ssal", "protocol": "linear", "fold": 1, "seed": 2}
    return [change(line) if place.items() <= line.items() else line for line in LINES]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {**c, "seed": 1}, "stands here twice"),
        (lambda c: {**c, "fold": True}, "no whole number"),
        (lambda c: {k: v for k, v in c.items() if k != "truth"}, "'truth' is missing"),
        (lambda c: {**c, "truth": c["truth"][:-1]}, "not of one length"),
        (lambda c: {**c, "predictions": [4] * len(c["truth"])}, "classes below 4"),
        (lambda c: {**c, "predictions": c["predictions"][::-1]}, "is not that of the predictions"),
        (lambda c: {**c, "metrics": {**c["metrics"], "log_loss": "0.5"}}, "'0.5' is no number"),
        (lambda c: {**c, "metrics": {**c["metrics"], "log_loss": None}}, "other metrics"),
        (lambda c: {**c, "metrics": [0.5]}, "metrics is list, not dict"),
        (lambda c: {**c, "metrics": {**c["metrics"], "log_loss": 10**400}}, "int too large"),
        (lambda c: {**c, "votes": [[10**400, 0, 0, 0]] * len(c["truth"])}, "no cell of this study"),
        (lambda c: {**c, "training_walks": 0}, "training_walks is 0.*take the line out"),
        (lambda c: {**c, "truth": c["predictions"], "predictions": c["truth"]}, "evaluated other walks"),
        (lambda c: {**c, "groups": ["somebody"] * len(c["truth"])}, "evaluated other walks"),
        (lambda c: {**c, "data_hash": "x"}, r"saw other data \(data_hash\).*seed 0 and ssal/linear fold 1, seed 2"),
    ],
)
def test_a_damaged_or_foreign_cell_is_refused(tmp_path: Path, change: Callable[[dict], dict], message: str) -> None:
    with pytest.raises(DataError, match=rf"cells\.jsonl.*{message}"):
        summarise(study(tmp_path, broken(change)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"purpose": "both"}, "in a study for both"),
        ({"reference": "nobody"}, "reference 'nobody'"),
        ({"methods": ["ssal"]}, "methods is list"),
        ({"methods": {"../ssal": "SSAL"}}, r"\.\./ssal"),
        ({"methods": {"ssal": "SSAL", "untrained": "SSAL"}}, "same title"),
        ({"comparisons": [["ssal/linear", "ssal"]]}, "is no pair"),
        ({"data": None}, "data is NoneType"),
        ({"applies": ["linear"]}, "applies is list, not dict"),
        ({"applies": {"ssal": ["linear"]}}, "is no pair"),
        (
            {"applies": {method: ["linear", "old"] for method in fake_study.TITLES}},
            "'old'.* are no methods and protocols",
        ),
        ({"once": {"handmade": "linear"}}, "handmade is str, not list"),
        ({"once": {"nobody": ["linear"]}}, "'nobody', 'linear'.* are no methods and protocols"),
        ({"comparisons": [["handmade/knn", "ssal/knn"]]}, "is no pair"),
        ({"splits": ["fold0_without1"]}, "split fold0_without1 in a study for test"),
        ({"purpose": "inner validation"}, "split fold0 in a study for inner validation"),
        ({"splits": ["first"]}, "split first"),
        ({"seeds": [0.5]}, "no whole number"),
    ],
)
def test_a_study_file_that_describes_no_study_is_refused(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=rf"study\.json.*{message}"):
        study(tmp_path, **changes)


def test_missing_empty_and_cut_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"study\.json.*cannot be read"):
        read_results(tmp_path)
    with pytest.raises(DataError, match="no finished cell"):
        study(tmp_path, [])
    fake_study.write(tmp_path, LINES)
    text = (tmp_path / "cells.jsonl").read_text()
    (tmp_path / "cells.jsonl").write_text(text[:-30])
    with pytest.raises(DataError, match=rf"line {len(LINES)}: is no JSON object"):
        read_results(tmp_path)
    (tmp_path / "study.json").write_text(json.dumps([1]))
    with pytest.raises(DataError, match=r"study\.json: is no JSON object"):
        read_results(tmp_path)

"""The files of a study survive what happens to files: torn ends, damaged lines, numbers that are none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from study_configs import PRETRAIN, opened, write_study

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.study.lines import append_line, read_lines, set_damaged_aside
from mmgaitemo.study.store import Store, job_folder, todo_of
from mmgaitemo.version import __version__


def line_of(store: Store, protocol: str, accuracy: float = 0.5) -> dict[str, Any]:
    """A finished cell of the only job of a store."""
    (identity,) = store.jobs.values()
    about = {"method": "untrained", "fold": 0, "unused_fold": None, "seed": 0, "version": __version__, "commit": "abc"}
    said = {"truth": [0, 1], "predictions": [0, 0], "groups": ["0.0", "0.1"], "training_walks": 2, "data_hash": "d"}
    own = {"protocol": protocol, "hash": identity.protocols[protocol], "metrics": {"accuracy": accuracy}}
    return {**about, **said, **own}


def votes(*rows: list[int]) -> dict[str, Any]:
    """A change from predictions to votes."""
    return {"votes": rows, "predictions": None}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_study(tmp_path, methods={"untrained": {"untrained": PRETRAIN}})


@pytest.fixture
def store(tmp_path: Path, config: Path) -> Store:
    """Of one job, with nothing in it."""
    return opened(tmp_path / "out", config)


@pytest.mark.parametrize(
    "change",
    [
        {"method": ["x"]},
        {"fold": "0"},
        {"seed": 0.0},
        {"hash": None},
        {"metrics": 3},
        {"metrics": {"accuracy": "1"}},
        {"metrics": {"accuracy": 10**400}},
        {"protocol": "pretrain", "metrics": 3},
        {"version": None},
        # What the report refuses would be found out only after all jobs had run.
        {"metrics": {"accuracy": 7}},
        {"predictions": None},
        {"predictions": [0]},
        {"predictions": [0, 10**9]},
        {"truth": []},
        votes(),
        votes([], []),
        votes([1], [1]),
        votes([1, 0], [10**400, 0]),
        {"groups": ["0.0"]},
        {"training_walks": 0},
        {"data_hash": 3},
        {"protocol": "pretrain", "curve": [[0]], "knn_curve": []},
        {"protocol": "pretrain", "curve": [], "knn_curve": [[0, 10**400]]},
    ],
)
def test_damaged_cells_are_named(store: Store, change: dict) -> None:
    good = line_of(store, "knn")
    store.cells.write_text("".join(json.dumps(line) + "\n" for line in (good, good | change)))
    with pytest.raises(DataError, match="line 2: is no finished cell"):
        read_lines(store.cells)


@pytest.mark.parametrize("change", [{}, votes([1, 0], [1, 0]), votes([2, 0, 0, 0], [2, 0, 0, 0])])
def test_sound_cells_are_read(store: Store, change: dict) -> None:
    line = {key: value for key, value in (line_of(store, "knn") | change).items() if value is not None or "fold" in key}
    store.cells.write_text(json.dumps(line))
    assert read_lines(store.cells) == [json.loads(json.dumps(line))]


@pytest.mark.parametrize(
    "text", [b"", b"\0\0\0\0", b"[" * 100_000, b"\xff", b'{"a": 1, "a": 1}', b"\xef\xbb\xbf{}", b'{"method": "untr']
)
@pytest.mark.parametrize("end", [b"\n", b"\n{}\n"])
def test_lines_that_are_no_cells_are_named(store: Store, text: bytes, end: bytes) -> None:
    good = json.dumps(line_of(store, "knn")).encode()
    store.cells.write_bytes(good + b"\n" + text + end)
    with pytest.raises(DataError, match=r"cells\.jsonl, line 2: is no finished cell.*take the line out"):
        store.merge()


def test_a_byte_order_mark_is_named(store: Store) -> None:
    store.cells.write_text(json.dumps(line_of(store, "knn")), encoding="utf-8-sig")
    with pytest.raises(DataError, match=r"line 1: is no finished cell.*BOM"):
        store.merge()


def test_a_cell_of_another_version_may_have_another_form(store: Store, capsys: pytest.CaptureFixture) -> None:
    line = {**line_of(store, "knn"), "version": "0.0.1", "hash": "old"}
    del line["groups"]
    store.cells.write_text(json.dumps(line) + "\n")
    store.merge()
    assert read_lines(store.cells) == [] and read_lines(store.superseded) == [line]


def test_cells_that_are_no_text_are_named(store: Store) -> None:
    store.cells.write_bytes(b'{"method": "\xff"}\n')
    with pytest.raises(DataError, match="line 1: is no finished cell"):
        store.merge()


def test_a_last_line_counts_if_it_is_whole(store: Store) -> None:
    whole = json.dumps(line_of(store, "knn"))
    store.cells.write_text(whole)
    assert len(read_lines(store.cells)) == 1
    store.cells.write_text(f"{whole}\n{whole[:-9]}")  # no kill does that: the file is written as a whole
    with pytest.raises(DataError, match="line 2: is no finished cell"):
        read_lines(store.cells)


def test_a_torn_line_of_a_killed_job_costs_its_cell_alone(store: Store, capsys: pytest.CaptureFixture) -> None:
    (job,) = store.jobs
    path = job_folder(store.out, job) / "lines.jsonl"
    path.parent.mkdir(parents=True)
    torn = json.dumps(line_of(store, "linear"))[:40]
    path.write_text(json.dumps(line_of(store, "knn")) + "\n" + torn)
    assert todo_of(store.out, store.study, job).missing == {"linear"}
    append_line(path, line_of(store, "knn"))  # whoever wrote after it
    store.merge()
    store.merge()
    assert capsys.readouterr().out.count("lines [2] are no finished cells") == 1
    assert [todo.missing for todo in store.todo()] == [{"linear"}]
    set_damaged_aside(path)
    assert (path.parent / "damaged.txt").read_text() == f"{torn}\n"
    append_line(path, line_of(store, "linear"))
    store.merge()
    assert store.todo() == []
    assert len(read_lines(path)) == 3


def test_a_cell_whose_numbers_are_none_is_run_again(store: Store, capsys: pytest.CaptureFixture) -> None:
    (job,) = store.jobs
    lines = [line_of(store, "knn"), line_of(store, "linear", math.nan)]
    store.cells.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert todo_of(store.out, store.study, job).missing == {"linear"}
    store.merge()
    assert [todo.missing for todo in store.todo()] == [{"linear"}]
    assert "1 lines do not count" in capsys.readouterr().out
    assert "NaN" in store.superseded.read_text()
    assert "NaN" not in store.cells.read_text()
    store.merge()
    assert capsys.readouterr().out == ""


def test_the_folder_of_another_study_is_refused(store: Store, config: Path) -> None:
    store.describe("a machine")
    config.rename(config.with_name("other.py"))
    with pytest.raises(ConfigError, match=r"holds another study than other\. Found: tiny"):
        opened(store.out, config.with_name("other.py"))

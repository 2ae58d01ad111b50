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


def line_of(store: Store, protocol: str, accuracy: float = 0.5) -> dict[str, Any]:
    """A finished cell of the only job of a store."""
    (identity,) = store.jobs.values()
    about = {"method": "untrained", "fold": 0, "unused_fold": None, "seed": 0}
    return {**about, "protocol": protocol, "hash": identity.protocols[protocol], "metrics": {"accuracy": accuracy}}


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
    ],
)
def test_damaged_cells_are_named(store: Store, change: dict) -> None:
    good = line_of(store, "knn")
    store.cells.write_text("".join(json.dumps(line) + "\n" for line in (good, good | change)))
    with pytest.raises(DataError, match="line 2: is no finished cell"):
        read_lines(store.cells)


def test_cells_that_are_no_text_are_named(store: Store) -> None:
    store.cells.write_bytes(b'{"method": "\xff"}\n')
    with pytest.raises(DataError, match="line 1: is no finished cell"):
        store.merge()


def test_a_last_line_counts_if_it_is_whole(store: Store) -> None:
    whole = json.dumps(line_of(store, "knn"))
    store.cells.write_text(whole)
    assert len(read_lines(store.cells)) == 1
    store.cells.write_text(f"{whole}\n{whole[:-9]}")
    assert len(read_lines(store.cells)) == 1


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
    assert "1 lines were made with other settings or hold no numbers" in capsys.readouterr().out
    assert "NaN" in store.superseded.read_text()
    assert "NaN" not in store.cells.read_text()
    store.merge()
    assert capsys.readouterr().out == ""


def test_the_folder_of_another_study_is_refused(store: Store, config: Path) -> None:
    store.describe("a machine")
    config.rename(config.with_name("other.py"))
    with pytest.raises(ConfigError, match=r"holds another study than other\. Found: tiny"):
        opened(store.out, config.with_name("other.py"))

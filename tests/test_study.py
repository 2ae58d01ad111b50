"""Studies: cells are run once, survive a kill, and are run again where what they depend on has changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from runs import ROOT
from study_configs import CHANGES, NO_STRONG, PRETRAIN, write_study

from mmgaitemo.config import ROLES
from mmgaitemo.errors import ConfigError
from mmgaitemo.study.job import run_job
from mmgaitemo.study.ledger import append_readings
from mmgaitemo.study.plan import read_study
from mmgaitemo.study.store import Store, job_folder, read_lines

TOOL = str(ROOT / "tools/study.py")


def run_missing(store: Store, encoders: Path) -> None:
    for todo in store.todo():
        run_job(store.study, todo, job_folder(store.out, todo.job), encoders, "abc")
    store.merge()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished study with three protocols, one of them fine-tuning."""
    folder = tmp_path_factory.mktemp("finished")
    protocols = {
        "knn": {"type": "KNN", "k": 5},
        "linear": {"type": "LinearProbe"},
        "linear_20": {"type": "LinearProbe", "label_fraction": 0.2},
        "one_person": {"type": "LinearProbe", "persons": 1},
        "finetune": {"type": "FineTune", "config": str(folder / "finetune.py")},
    }
    (folder / "finetune.py").write_text(
        f'_base_ = "{ROOT}/configs/downstream/finetune_synthgait.py"\n'
        "train_cfg = dict(max_epochs=1)\nparam_scheduler = None\ntrain_dataloader = dict(batch_size=8)\n"
    )
    store = Store(folder / "out", read_study(write_study(folder, splits=[0], protocols=protocols)))
    run_missing(store, folder / "encoders")
    return store


def test_every_cell_is_there_once_and_agrees_with_its_scores(finished: Store) -> None:
    assert finished.todo() == []
    lines = read_lines(finished.cells)
    assert len(lines) == 2 * 5 + 1
    for line in lines:
        if line["protocol"] == "pretrain":
            assert line["steps"] == line["curve"][-1][0] == 8
            assert [epoch for epoch, _ in line["knn_curve"]] == [1, 2]
            continue
        folder = finished.out / "work" / line["method"] / f"fold{line['fold']}_seed{line['seed']}"
        stored = np.load(folder / f"scores_{line['protocol']}.npz")
        assert stored["truth"].tolist() == line["truth"]
        assert stored["scores"].argmax(1).tolist() == line["predictions"]
        right = np.equal(line["truth"], line["predictions"])
        assert line["metrics"]["accuracy"] == pytest.approx(right.mean(), abs=1e-5)
    used = {line["protocol"]: line["settings"].get("labels") for line in lines if "settings" in line}
    assert used["linear"] == used["finetune"] == 32
    assert used["linear_20"] == 8  # ceil(8 / 5) of each of four classes
    assert used["one_person"] == 4


def test_the_study_describes_itself(finished: Store) -> None:
    finished.describe("a machine")
    content = json.loads((finished.out / "study.json").read_text())
    assert content["methods"] == {"ssal": "SSAL", "untrained": "untrained"}
    assert content["purpose"] == "test"
    assert len(content["classes"]) == 4


def test_a_changed_protocol_is_run_again_alone_and_nothing_is_lost(finished: Store, tmp_path: Path) -> None:
    out, before = tmp_path / "out", read_lines(finished.cells)
    out.mkdir()
    (out / "cells.jsonl").write_text("".join(json.dumps(line) + "\n" for line in before))
    path = write_study(
        tmp_path, splits=[0], protocols={"knn": {"type": "KNN", "k": 3}, "linear": {"type": "LinearProbe"}}
    )
    store = Store(out, read_study(path))
    assert {(todo.job.method, *todo.missing) for todo in store.todo()} == {("ssal", "knn"), ("untrained", "knn")}
    superseded = read_lines(store.superseded)
    assert {line["protocol"] for line in superseded} == {"knn"}
    assert sorted(map(json.dumps, superseded + read_lines(store.cells))) == sorted(map(json.dumps, before))
    Store(out, read_study(path))  # looking again supersedes nothing more
    assert len(read_lines(store.superseded)) == 2


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"train_cfg.max_epochs": 3}, {"ssal"}),
        ({"model.temperature": 0.2}, {"ssal"}),
        ({"model.backbone.out_channels": 64}, {"ssal", "untrained"}),
        ({"seed": 1}, {"ssal", "untrained"}),
        ({"train_cfg.val_interval": 7}, set()),
    ],
)
def test_cells_depend_on_settings_and_data_but_not_on_validation(
    finished: Store, tmp_path: Path, changes: dict, again: set[str]
) -> None:
    if "seed" in changes:
        changes = {f"{role}.seed": 1 for role in ROLES}
    (tmp_path / "cells.jsonl").write_bytes(finished.cells.read_bytes())
    path = write_study(
        tmp_path, splits=[0], changes={**CHANGES, **changes}, protocols={"linear": {"type": "LinearProbe"}}
    )
    store = Store(tmp_path, read_study(path))
    assert {todo.job.method for todo in store.todo()} == again


def test_an_encoder_is_shared_between_studies(finished: Store, tmp_path: Path) -> None:
    encoders = finished.out.parent / "encoders"
    before = {path: path.stat().st_mtime_ns for path in encoders.glob("*/encoder.pth")}
    methods = {"renamed": {"pretrain": PRETRAIN}}
    path = write_study(tmp_path, splits=[0], methods=methods, protocols={"knn": {"type": "KNN"}}, reference="renamed")
    store = Store(tmp_path / "out", read_study(path))
    run_missing(store, encoders)
    assert {path: path.stat().st_mtime_ns for path in encoders.glob("*/encoder.pth")} == before


def test_killed_half_way_and_resumed_without_running_anything_twice(tmp_path: Path) -> None:
    slow = {**CHANGES, "train_cfg.max_epochs": 20}
    methods = {
        "untrained": {"untrained": PRETRAIN},
        "ssal": {"pretrain": PRETRAIN, "changes": slow},
        "skeletonclr": {"pretrain": PRETRAIN, "changes": NO_STRONG},
    }
    path, out = write_study(tmp_path, splits=[0], methods=methods), tmp_path / "out"
    command = [sys.executable, TOOL, str(path), "--out", str(out), "--encoders", str(tmp_path / "encoders")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    cells, log = out / "cells.jsonl", out / "work/ssal/fold0_seed0/log.txt"
    deadline = time.monotonic() + 120
    while not (log.exists() and b"Epoch(train)" in log.read_bytes()):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    first = cells.read_text().splitlines()
    assert [json.loads(line)["protocol"] for line in first] == ["knn", "linear"]  # of the untrained encoder
    size = log.stat().st_size
    time.sleep(1)
    assert log.stat().st_size == size  # no orphan goes on
    done = subprocess.run([*command, "--jobs", "2"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 jobs to run, 2 cells finished" in done.stdout
    assert cells.read_text().splitlines()[:2] == first
    assert len(cells.read_text().splitlines()) == 8
    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.returncode == 0
    assert "encoders of about" not in again.stdout  # nothing left to do


def test_a_failed_job_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    methods = {
        "bad": {"pretrain": PRETRAIN, "changes": {"optim_wrapper.optimizer.lr": 1e30}},
        "good": {"untrained": PRETRAIN},
    }
    path = write_study(tmp_path, splits=[0], methods=methods, reference="good")
    command = [sys.executable, TOOL, str(path), "--out", str(tmp_path / "out"), "--encoders", str(tmp_path / "e")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 1
    assert "bad/fold0_seed0 ended with code 1" in done.stderr
    assert "loss" in done.stderr
    assert {line["method"] for line in read_lines(tmp_path / "out/cells.jsonl")} == {"good"}


def test_the_ledger_notes_each_reading_of_a_test_fold_once(finished: Store, tmp_path: Path) -> None:
    (tmp_path / "cells.jsonl").write_bytes(finished.cells.read_bytes())
    protocols = {"linear": {"type": "LinearProbe"}, "knn": {"type": "KNN", "k": 9}}
    path = write_study(tmp_path, splits=[0], protocols=protocols, ledger="ledger.jsonl")
    store = Store(tmp_path, read_study(path))
    assert append_readings(store) == 2  # linear is complete for both methods, the other kNN is not
    assert append_readings(store) == 0
    noted = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert {(entry["method"], entry["protocol"], entry["cells"]) for entry in noted} == {
        ("ssal", "linear", 1),
        ("untrained", "linear", 1),
    }


def test_an_epoch_chosen_on_the_held_out_walks_is_refused(tmp_path: Path) -> None:
    changes = {**CHANGES, "default_hooks.checkpoint.save_best": "knn/accuracy"}
    study = read_study(write_study(tmp_path, changes=changes))
    with pytest.raises(ConfigError, match="best score on the held-out walks"):
        Store(tmp_path / "out", study)


def test_a_split_that_trains_on_its_test_walks_is_refused(tmp_path: Path) -> None:
    changes = {**CHANGES, "train_dataloader.dataset.split": "all"}
    store = Store(tmp_path / "out", read_study(write_study(tmp_path, changes=changes)))
    with pytest.raises(ConfigError, match="shares walks with"):
        run_missing(store, tmp_path / "encoders")

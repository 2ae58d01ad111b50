"""Cells of a study: what they hold, and that they are run again where what they depend on has changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from study_configs import CHANGES, FINETUNE, PRETRAIN, opened, run_missing, write_study

from mmgaitemo.config import ROLES
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.study.ledger import append_readings, known_readings
from mmgaitemo.study.lines import read_lines
from mmgaitemo.study.protocols import FineTune
from mmgaitemo.study.reading import read_study
from mmgaitemo.study.store import Store

LINEAR = {"linear": {"type": "LinearProbe"}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished study with five protocols, one of them fine-tuning."""
    folder = tmp_path_factory.mktemp("finished")
    protocols = {
        "knn": {"type": "KNN", "k": 5},
        "linear": {"type": "LinearProbe"},
        "linear_20": {"type": "LinearProbe", "label_fraction": 0.2},
        "one_person": {"type": "LinearProbe", "persons": 1},
        "finetune": {"type": "FineTune", "config": "finetune.py"},
    }
    (folder / "finetune.py").write_text(
        f"_base_ = {FINETUNE!r}\n"
        "train_cfg = dict(max_epochs=1)\nparam_scheduler = None\ntrain_dataloader = dict(batch_size=8)\n"
    )
    store = opened(folder / "out", write_study(folder, protocols=protocols))
    run_missing(store, folder / "encoders")
    return store


def test_every_cell_is_there_once_and_agrees_with_its_scores(finished: Store) -> None:
    assert finished.todo() == []
    assert finished.count() == 2 * 5
    lines = read_lines(finished.cells)
    assert len(lines) == 2 * 5 + 1
    for line in lines:
        if line["protocol"] == "pretrain":
            assert line["steps"] == line["curve"][-1][0] == 8
            assert [epoch for epoch, _ in line["knn_curve"]] == [1, 2]
            continue
        folder = finished.out / "work" / line["method"] / f"fold{line['fold']}_seed{line['seed']}"
        stored = np.load(folder / f"scores_{line['protocol']}_{line['hash']}.npz")
        assert stored["truth"].tolist() == line["truth"]
        said = stored["scores"].argmax(2)  # (answers, walks)
        assert line["metrics"]["accuracy"] == pytest.approx((said == stored["truth"]).mean(), abs=1e-5)
        if line["protocol"] == "one_person":
            assert line["votes"] == [np.bincount(own, minlength=4).tolist() for own in said.T]
        else:
            assert [line["predictions"]] == said.tolist()
    used = {line["protocol"]: line["settings"].get("labels") for line in lines if "settings" in line}
    assert used["linear"] == [32] and used["finetune"] == 32
    assert used["linear_20"] == [8]  # ceil(8 / 5) of each of four classes
    assert used["one_person"] == [4] * 8  # each of the eight persons of four walks in turn


def test_the_study_describes_itself(finished: Store) -> None:
    finished.describe("a machine")
    content = json.loads((finished.out / "study.json").read_text())
    assert content["methods"] == {"ssal": "SSAL", "untrained": "untrained"}
    assert content["applies"]["untrained"] == ["knn", "linear", "linear_20", "one_person", "finetune"]
    assert content["purpose"] == "test"
    assert len(content["classes"]) == 4


def test_a_changed_protocol_is_run_again_alone_and_nothing_is_lost(finished: Store, tmp_path: Path) -> None:
    out, before = tmp_path / "out", read_lines(finished.cells)
    out.mkdir()
    (out / "cells.jsonl").write_text("".join(json.dumps(line) + "\n" for line in before))
    path = write_study(tmp_path, protocols={"knn": {"type": "KNN", "k": 3}, **LINEAR})
    store = opened(out, path)
    assert {(todo.job.method, *todo.missing) for todo in store.todo()} == {("ssal", "knn"), ("untrained", "knn")}
    superseded = read_lines(store.superseded)
    assert {line["protocol"] for line in superseded} == {"knn"}
    assert sorted(map(json.dumps, superseded + read_lines(store.cells))) == sorted(map(json.dumps, before))
    opened(out, path)  # looking again supersedes nothing more
    assert len(read_lines(store.superseded)) == 2


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"train_cfg.max_epochs": 3}, {"ssal"}),
        ({"model.temperature": 0.2}, {"ssal"}),
        ({"custom_hooks": [{"type": "EMAHook"}]}, {"ssal"}),
        ({"model.backbone.out_channels": 64}, {"ssal", "untrained"}),
        ({"seed": 1}, {"ssal", "untrained"}),
        ({"train_cfg.val_interval": 7, "log_processor.window_size": 3}, set()),
    ],
)
def test_cells_depend_on_settings_and_data_but_not_on_validation(
    finished: Store, tmp_path: Path, changes: dict, again: set[str]
) -> None:
    if "seed" in changes:
        changes = {f"{role}.seed": 1 for role in ROLES}
    (tmp_path / "cells.jsonl").write_bytes(finished.cells.read_bytes())
    path = write_study(tmp_path, changes={**CHANGES, **changes}, protocols=LINEAR)
    assert {todo.job.method for todo in opened(tmp_path, path).todo()} == again


def test_fine_tuning_depends_on_hooks_of_its_config(tmp_path: Path) -> None:
    def settings(text: str) -> Any:
        (tmp_path / "tune.py").write_text(f"_base_ = {FINETUNE!r}\n{text}")
        return FineTune(str(tmp_path / "tune.py")).settings()

    plain = settings("")
    assert settings("default_hooks = dict(checkpoint=dict(interval=3))") == plain
    assert settings("default_hooks = dict(ema=dict(type='EMAHook'))") != plain
    assert settings("custom_hooks = [dict(type='EMAHook')]") != plain
    with pytest.raises(ConfigError, match="from the start"):
        settings("load_from = 'other.pth'")
    with pytest.raises(ConfigError, match="ends at epoch 100"):
        settings("train_cfg = dict(max_epochs=2)")


def test_an_encoder_is_shared_and_one_that_was_damaged_is_made_again(
    finished: Store, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    encoders = Path(shutil.copytree(finished.out.parent / "encoders", tmp_path / "encoders"))
    (trained,) = (path.parent for path in encoders.glob("*/pretrain.json"))
    (untrained,) = (path for path in encoders.iterdir() if path != trained)
    before = {path: torch.load(path, weights_only=True)["state_dict"] for path in encoders.glob("*/encoder.pth")}
    times = {path: path.stat().st_mtime_ns for path in before}
    methods = {"renamed": {"pretrain": PRETRAIN}, "plain": {"untrained": PRETRAIN}}
    path = write_study(tmp_path, methods=methods, protocols={"knn": {"type": "KNN"}}, reference="renamed")

    def run_in(name: str) -> list[dict[str, Any]]:
        store = opened(tmp_path / name, path)
        run_missing(store, encoders)
        return [line["predictions"] for line in read_lines(store.cells) if line["protocol"] == "knn"]

    first = run_in("whole")
    assert {path: path.stat().st_mtime_ns for path in before} == times
    assert "again" not in capsys.readouterr().out
    cut = (trained / "encoder.pth").read_bytes()[:-5000]
    (trained / "encoder.pth").write_bytes(cut)
    (untrained / "encoder.pth").write_bytes(cut)
    assert run_in("cut") == first
    assert capsys.readouterr().out.count("again") == 2
    (trained / "pretrain.json").write_text('{"steps": 8, "cur')
    assert run_in("torn") == first
    (trained / "encoder.pth").unlink()
    assert run_in("gone") == first
    assert capsys.readouterr().out.count("trained again") == 2
    for place, state in before.items():
        after = torch.load(place, weights_only=True)["state_dict"]
        assert all(torch.equal(after[key], value) for key, value in state.items())


def test_the_ledger_notes_each_reading_of_a_test_fold_once(finished: Store, tmp_path: Path) -> None:
    (tmp_path / "cells.jsonl").write_bytes(finished.cells.read_bytes())
    protocols = {**LINEAR, "knn": {"type": "KNN", "k": 9}}
    store = opened(tmp_path, write_study(tmp_path, protocols=protocols, ledger="ledger.jsonl"))
    assert append_readings(store) == 4  # linear is complete for both methods, the other kNN given up, this one missing
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text(ledger.read_text().rstrip("\n"))  # an editor may take it
    assert append_readings(store) == 0
    noted = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [(e["method"], e["protocol"], e["cells"], e.get("abandoned", False)) for e in noted] == [
        ("ssal", "linear", 1, False),
        ("untrained", "linear", 1, False),
        ("ssal", "knn", 1, True),
        ("untrained", "knn", 1, True),
    ]
    for damage in (b"\n3\n", b'\n{"rec', b"\n\xff\n"):
        ledger.write_bytes(json.dumps(noted[0]).encode() + damage)
        with pytest.raises(DataError, match=r"ledger.jsonl, line 2: is no reading"):
            known_readings(store.study)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"default_hooks.checkpoint.save_best": "knn/accuracy"},
            r"held-out walks.*decide about the training.*save_best",
        ),
        ({"load_from": "other.pth"}, "trains its encoders from the start"),
        ({"train_dataloader.dataset.nobody": 3}, "the data of method ssal cannot be built"),
        ({"model.type": "GaitClassifier"}, "is no pre-training config"),
    ],
)
def test_a_method_that_cannot_be_meant_is_refused_before_anything_is_written(
    tmp_path: Path, changes: dict, message: str
) -> None:
    study = read_study(write_study(tmp_path, changes={**CHANGES, **changes}))
    with pytest.raises(ConfigError, match=message):
        Store(tmp_path / "out", study)
    assert not (tmp_path / "out").exists()


def test_a_split_that_trains_on_its_test_walks_is_refused(tmp_path: Path) -> None:
    store = opened(
        tmp_path / "out", write_study(tmp_path, changes={**CHANGES, "train_dataloader.dataset.split": "all"})
    )
    with pytest.raises(ConfigError, match="shares walks with"):
        run_missing(store, tmp_path / "encoders")

"""Studies whose numbers would not be what they seem are refused before anything runs; nothing read is forgotten."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import fake_study
import numpy as np
import pytest
import torch
from runs import ROOT
from study_configs import CHANGES, PERSONS, PRETRAIN, opened, run_missing, write_study

from mmgaitemo.config import load_config, preflight
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import MODELS
from mmgaitemo.statistics import read_results
from mmgaitemo.statistics.consistency import size_ratio
from mmgaitemo.study import encoders
from mmgaitemo.study.job import method_config
from mmgaitemo.study.ledger import append_readings
from mmgaitemo.study.lines import read_lines
from mmgaitemo.study.plan import Split
from mmgaitemo.study.reading import read_study
from mmgaitemo.study.store import Store, alone_in

ROLES = ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
KNN = {"knn": {"type": "KNN", "k": 5}}


def config_in(folder: Path, text: str, base: str = PRETRAIN) -> str:
    """A config that inherits from another, and changes what ``text`` says."""
    (folder / "own.py").write_text(f"_base_ = {base!r}\n{text}\n")
    return str(folder / "own.py")


def method(folder: Path, kind: str = "pretrain", changes: dict | None = None, config: str = PRETRAIN) -> Any:
    path = write_study(
        folder,
        methods={"one": {kind: config}},
        changes={**CHANGES, **(changes or {})},
        reference="one",
    )
    return read_study(path).methods["one"]


@pytest.mark.parametrize("role", ROLES)
def test_a_data_set_that_the_fold_would_not_reach_is_refused(role: str, tmp_path: Path) -> None:
    keys = role.split(".")
    without = f"dict({keys[0]}=dict({keys[1]}=dict(_delete_=True, type='SyntheticGait', num_persons=10, pipeline=[])))"
    path = config_in(tmp_path, f"globals().update({without})")
    with pytest.raises(ConfigError, match=rf"{role}: names no split"):
        load_config(path)


@pytest.mark.parametrize("key", ["fold", "unused_fold"])
def test_a_fold_that_is_fixed_in_a_data_set_is_refused(key: str, tmp_path: Path) -> None:
    for role in ROLES:
        top, leaf = role.split(".")
        own = method(tmp_path, changes={top: {leaf: {key: 2}}})
        with pytest.raises(ConfigError, match=rf"{role}: has a fold of its own"):
            method_config(own, Split(1, 0), seed=0)


@pytest.mark.parametrize(
    "change",
    [
        {"custom_hooks": [{"type": "EarlyStoppingHook", "monitor": "knn/accuracy"}]},
        {"param_scheduler": [{"type": "ReduceOnPlateauLR", "monitor": "knn/accuracy"}]},
    ],
)
def test_training_that_looks_at_the_held_out_walks_is_refused(change: dict, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="decide about the training"):
        method_config(method(tmp_path, changes=change), Split(0), seed=0)


@pytest.mark.parametrize("kind", ["pretrain", "untrained", "kinematics"])
def test_a_checkpoint_to_start_from_is_refused_of_every_kind(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trains its encoders from the start"):
        method_config(method(tmp_path, kind, {"load_from": "other.pth"}), Split(0), seed=0)


def test_a_hook_that_is_not_there_cannot_be_taken_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"default_hooks\.momentun: has no effect.*'momentum'"):
        method_config(method(tmp_path, changes={"default_hooks.momentun": None}), Split(0), seed=0)


def test_methods_that_are_the_same_or_have_other_walks_are_refused(tmp_path: Path) -> None:
    methods: dict[str, Any] = {"one": {"pretrain": PRETRAIN}, "two": {"pretrain": PRETRAIN}}
    with pytest.raises(ConfigError, match=r"methods\.one: is the same as two"):
        opened(tmp_path / "out", write_study(tmp_path, methods=methods, reference="one"))
    methods["two"]["protocols"] = ["knn"]
    methods["one"]["protocols"] = ["linear"]
    opened(tmp_path / "apart", write_study(tmp_path, methods=methods, reference="one"))
    methods["two"] = {"untrained": PRETRAIN, "changes": {key: 15 for key in PERSONS if key.endswith("persons")}}
    with pytest.raises(ConfigError, match=r"methods\.two: is evaluated on other walks than one"):
        opened(tmp_path / "other", write_study(tmp_path, methods=methods, reference="one"))
    others = {"val_dataloader.dataset.metainfo": {"classes": ["up", "down", "left", "right"]}}
    methods["two"] = {"untrained": PRETRAIN, "changes": others}
    with pytest.raises(ConfigError, match=r"methods\.two: is evaluated on other walks than one.*classes"):
        opened(tmp_path / "classes", write_study(tmp_path, methods=methods, reference="one"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": {"a": {"pretrain": PRETRAIN, "protocols": ["knn", "knn"]}}, "reference": "a"}, "names one twice"),
        ({"methods": {"a": {"pretrain": PRETRAIN, "protocols": [{}]}}, "reference": "a"}, "no such protocol"),
        ({"comparisons": [("ssal/knn", "ssal/knn")]}, "with itself, or a second time"),
        ({"comparisons": [("ssal/knn", "ssal/linear"), ("ssal/linear", "ssal/knn")]}, "with itself, or a second time"),
        ({"data": None}, "study.data: needs words"),
        ({"title": " "}, "study.title: needs words"),
    ],
)
def test_what_a_study_cannot_mean(changes: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read_study(write_study(tmp_path, **changes))


def test_an_untrained_encoder_starts_as_its_config_says(tmp_path: Path) -> None:
    initial = {"model.init_cfg": [{"type": "Constant", "layer": "Conv2d", "val": 0.125}]}
    cfg = method_config(method(tmp_path, "untrained", initial), Split(0), seed=0)
    state = torch.load(encoders.untrained(cfg, preflight(cfg), tmp_path / "encoder"), weights_only=True)["state_dict"]
    convolutions = [value for key, value in state.items() if value.ndim == 4 and "image" in key]
    assert any((value == 0.125).all() for value in convolutions)
    plain = method_config(method(tmp_path, "untrained"), Split(0), seed=0)
    torch.manual_seed(0)
    before = MODELS.build(plain.model).backbone.state_dict()
    state = torch.load(encoders.untrained(plain, preflight(plain), tmp_path / "plain"), weights_only=True)["state_dict"]
    for key, value in before.items():  # without init_cfg PyTorch's own initial weights stay
        assert torch.equal(state[f"backbone.{key}"], value) or "running_" in key or "num_batches" in key


def test_fewer_labels_leave_the_split_as_it_is_whatever_the_order_of_methods(tmp_path: Path) -> None:
    ratios = set()
    for name, few in (("first", "ssal"), ("last", "handmade")):
        lines = [{**c, "training_walks": 9} if c["method"] == few and "truth" in c else c for c in fake_study.lines()]
        result = read_results(fake_study.write(tmp_path / name, lines))
        ratios.add(size_ratio(result, result.runs))
    assert len(ratios) == 1 and ratios.pop() == pytest.approx(1 / (fake_study.FOLDS - 1), rel=0.2)


def test_two_lines_of_one_cell_are_both_kept_somewhere(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config = write_study(tmp_path, protocols=KNN)
    store = opened(tmp_path / "out", config)
    run_missing(store, tmp_path / "encoders")
    before = read_lines(store.cells)
    other = {**before[-1], "commit": "another"}
    store.cells.write_text("".join(json.dumps(line) + "\n" for line in [*before, other, before[-1]]))
    capsys.readouterr()
    assert opened(tmp_path / "out", config).abandoned == []
    assert "1 lines do not count" in capsys.readouterr().out
    assert read_lines(store.cells) == before and read_lines(store.superseded) == [other]


def test_a_protocol_that_is_changed_and_changed_back_keeps_its_scores(tmp_path: Path) -> None:
    for k in (5, 1, 5):
        store = opened(tmp_path / "out", write_study(tmp_path, protocols={"knn": {"type": "KNN", "k": k}}))
        run_missing(store, tmp_path / "encoders")
    for line in (line for line in read_lines(store.cells) if line["protocol"] == "knn"):
        folder = store.out / "work" / line["method"] / "fold0_seed0"
        assert len([*folder.glob("scores_knn_*.npz")]) == 2
        scores = np.load(folder / f"scores_knn_{line['hash']}.npz")["scores"]
        assert scores[0].argmax(1).tolist() == line["predictions"]


def test_a_damaged_description_does_not_give_the_folder_away(tmp_path: Path) -> None:
    config = write_study(tmp_path)
    opened(tmp_path / "out", config)
    (tmp_path / "out/study.json").write_text('{"study": "ki')
    with pytest.raises(ConfigError, match=r"study\.json: does not say whose folder this is"):
        opened(tmp_path / "out", config)


@pytest.mark.parametrize("name", ["RANK", "SLURM_PROCID"])
def test_a_driver_locks_the_folder_whatever_its_rank(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    with alone_in(tmp_path), pytest.raises(ConfigError, match="a study is running in it"), alone_in(tmp_path):
        pass


def test_what_was_read_of_a_test_fold_and_given_up_is_in_the_ledger(tmp_path: Path) -> None:
    def study_of(k: int) -> Store:
        protocols = {"knn": {"type": "KNN", "k": k}}
        return opened(
            tmp_path / "out", write_study(tmp_path, protocols=protocols, splits=[0, 1], ledger="ledger.jsonl")
        )

    first = study_of(5)
    run_missing(first, tmp_path / "encoders", ["untrained"])
    whole = append_readings(first)
    (tmp_path / "ledger.jsonl").unlink()  # as if it had been stopped after one fold
    assert whole == 1
    given_up = study_of(1)
    assert append_readings(given_up) == 1
    line = json.loads((tmp_path / "ledger.jsonl").read_text())
    assert line["abandoned"] and line["cells"] == 2 and line["method"] == "untrained"


def test_a_change_that_cannot_be_tried_stops_the_study_before_it_runs(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("study_tool", ROOT / "tools/study.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    store = opened(tmp_path / "out", write_study(tmp_path, changes={**CHANGES, "model.temprature": 0.2}))
    with pytest.raises(ConfigError, match=r"study\.methods\.ssal.*temprature"):
        tool.print_cost(store, store.todo(), 1, tmp_path)

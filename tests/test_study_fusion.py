"""Fusions: the mean of the scores of several methods of a study, as one more row of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_configs import FINETUNE, KINEMATICS, PRETRAIN, opened, run_missing, write_study

from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.evaluation.scores import classification_metrics
from mmgaitemo.statistics import read_results, summarise
from mmgaitemo.statistics.report_text import markdown
from mmgaitemo.study.reading import read_study
from mmgaitemo.study.store import Store

STREAM = "model.data_preprocessor.stream"
HAND: dict[str, Any] = {"kinematics": PRETRAIN, "changes": KINEMATICS, "protocols": ["knn", "two"]}
METHODS: dict[str, Any] = {
    "joint": {"pretrain": PRETRAIN},
    "bone": {"untrained": PRETRAIN, "changes": {STREAM: "bone"}},
    "hand": HAND,
    "both": {"title": "joint + bone", "fuse": ["joint", "bone"]},
    "three": {"fuse": ["joint", "bone", "hand"], "protocols": ["two"]},
}
SETTINGS: dict[str, Any] = {
    "protocols": {
        "knn": {"type": "KNN", "k": 5},
        "two": {"type": "LinearProbe", "persons": 2},
        "tuned": {"type": "FineTune", "config": FINETUNE},
    },
    "reference": "joint",
    "comparisons": [("both/knn", "bone/knn")],
}


def scores(store: Store, method: str, protocol: str) -> np.ndarray:
    (path,) = (store.out / "work" / method / "fold0_seed0").glob(f"scores_{protocol}_*.npz")
    with np.load(path) as content:
        return content["scores"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("fusion")
    store = opened(folder / "out", write_study(folder, methods=METHODS, **SETTINGS))
    run_missing(store, folder / "encoders")
    return store


def test_a_fusion_is_the_mean_of_its_members_scores(finished: Store) -> None:
    assert store_has_everything(finished)
    for name, protocol, members in [
        ("both", "knn", ["joint", "bone"]),
        ("both", "two", ["joint", "bone"]),
        ("three", "two", ["joint", "bone", "hand"]),
    ]:
        mean = sum(scores(finished, member, protocol) for member in members) / len(members)
        np.testing.assert_allclose(scores(finished, name, protocol), mean, atol=1e-12)
        line = finished.lines[name, 0, None, 0, protocol]
        accuracies = [classification_metrics(np.array(line["truth"]), answer)["accuracy"] for answer in mean]
        assert line["metrics"]["accuracy"] == pytest.approx(np.mean(accuracies), abs=1e-5)
        assert len(line["settings"]["members"]) == len(members)
    np.testing.assert_allclose(scores(finished, "both", "tuned").sum(-1), 1, atol=1e-6)  # each member tuned anew


def store_has_everything(store: Store) -> bool:
    asked = {(name, protocol) for name, method in store.study.asked_of.items() for protocol in method.protocols}
    found = {(key[0], key[-1]) for key in store.lines} - {("joint", "pretrain")}
    assert ("both", "tuned") in asked and ("three", "tuned") not in asked
    return asked == found and not store.todo()


def test_the_report_takes_a_fusion_as_a_method(finished: Store) -> None:
    finished.describe("a machine")
    text = markdown(summarise(read_results(finished.out)), {})
    assert "| knn | joint + bone |" in text
    assert "joint + bone (knn) - bone (knn)" in text


def test_a_fusion_is_run_again_when_a_member_changes_and_not_otherwise(finished: Store, tmp_path: Path) -> None:
    def missing(**changes: Any) -> set[str]:
        methods = {**METHODS, **changes}
        store = Store(tmp_path, read_study(write_study(tmp_path, methods=methods, **SETTINGS)))
        store.lines = {key: line for key, line in finished.lines.items() if line["hash"] in hashes(store)}
        return {todo.job.method for todo in store.todo()}

    def hashes(store: Store) -> set[str]:
        return {one for identity in store.jobs.values() for one in (identity.features, *identity.protocols.values())}

    assert missing() == set()
    assert missing(both={"title": "other title", "fuse": ["bone", "joint"]}) == set()
    assert missing(bone={"untrained": PRETRAIN, "changes": {STREAM: "motion"}}) == {"bone", "both", "three"}
    assert missing(hand={**HAND, "protocols": ["two"]}) == set()


def test_a_fusion_alone_trains_what_it_needs(finished: Store, tmp_path: Path) -> None:
    store = opened(tmp_path / "out", write_study(tmp_path, methods=METHODS, **SETTINGS))
    run_missing(store, tmp_path / "encoders", ["both"])
    assert {key[0] for key in store.lines} == {"both"}
    assert all(line["metrics"] == finished.lines[key]["metrics"] for key, line in store.lines.items())


def test_the_cost_of_a_fusion_is_that_of_its_members_encoders(finished: Store, tmp_path: Path) -> None:
    store = opened(tmp_path / "out", write_study(tmp_path, methods=METHODS, **SETTINGS))
    alone = store.todo(["both"])
    assert store.to_train(alone, tmp_path / "encoders") == {"joint": 1}
    assert store.to_train(store.todo(), tmp_path / "encoders") == {"joint": 1}  # of three rows that need it
    assert store.to_train(store.todo(), finished.out.parent / "encoders") == {}


def test_members_with_other_labelled_walks_are_refused(tmp_path: Path) -> None:
    bone = {"untrained": PRETRAIN, "changes": {STREAM: "bone", "val_cfg.bank.label_fraction": 0.5}}
    both = {"fuse": ["joint", "bone"]}
    study = write_study(tmp_path, methods={**METHODS, "bone": bone, "both": both}, **SETTINGS)
    with pytest.raises(ConfigError, match=r"methods\.both\.fuse: bone has other labelled walks than joint"):
        Store(tmp_path / "out", read_study(study))


def test_an_error_names_the_member_in_which_it_arose(tmp_path: Path) -> None:
    deep = {"pretrain": PRETRAIN, "changes": {"optim_wrapper.optimizer.lr": 1e30}}
    methods = {"joint": {"untrained": PRETRAIN}, "deep": deep, "both": {"fuse": ["joint", "deep"]}}
    settings = {"protocols": {"knn": {"type": "KNN", "k": 5}}, "reference": "joint"}
    store = opened(tmp_path / "out", write_study(tmp_path, methods=methods, **settings))
    with pytest.raises(GaitError, match=r"^study\.methods\.deep: .*finite"):
        run_missing(store, tmp_path / "encoders", ["both"])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"fuse": ["joint"]}, r"both\.fuse: needs two methods or more"),
        ({"fuse": "joint"}, r"both\.fuse: no such method with a config"),
        ({"fuse": ["joint", "joint"]}, r"both\.fuse: names one twice"),
        ({"fuse": ["joint", "three"]}, r"both\.fuse: no such method with a config.*\['three'\].*'joint', 'bone'"),
        (
            {"fuse": ["joint", "hand"], "protocols": ["tuned"]},
            r"both\.protocols: no protocol that all its",
        ),
        ({"fuse": ["joint", "bone"], "pretrain": PRETRAIN}, r"both: has not the keys.*unknown \['pretrain'\]"),
        ({"fuse": ["joint", "bone"], "changes": {}}, r"both: has not the keys.*unknown \['changes'\]"),
    ],
)
def test_what_cannot_be_fused_is_refused(entry: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read_study(write_study(tmp_path, methods={**METHODS, "both": entry}, **SETTINGS))


def test_two_fusions_of_the_same_members_are_refused(tmp_path: Path) -> None:
    methods = {**METHODS, "again": {"fuse": ["bone", "joint"]}}
    with pytest.raises(ConfigError, match=r"methods\.\w+: is the same as \w+: nothing that decides"):
        Store(tmp_path / "out", read_study(write_study(tmp_path, methods=methods, **SETTINGS)))

"""Study configs: what they mean, and what is refused when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from study_configs import FINETUNE, PRETRAIN, write_study

from mmgaitemo.errors import ConfigError
from mmgaitemo.study.plan import Split
from mmgaitemo.study.reading import read_study


def of_method(**entries: Any) -> dict[str, Any]:
    return {"methods": {"ssal": {"pretrain": PRETRAIN, **entries}, "untrained": {"untrained": PRETRAIN}}}


def of_protocol(kind: str, **entries: Any) -> dict[str, Any]:
    return {"protocols": {"one": {"type": kind, **entries}}}


def test_jobs_go_seed_by_seed_and_what_is_not_random_runs_once(tmp_path: Path) -> None:
    methods = {"ssal": {"pretrain": PRETRAIN}, "hand": {"kinematics": PRETRAIN}}
    study = read_study(write_study(tmp_path, methods=methods, splits=[0, 1], seeds=[3, 4], reference="hand"))
    assert [str(job) for job in study.jobs()] == [
        "ssal/fold0_seed3",
        "hand/fold0_seed3",
        "ssal/fold1_seed3",
        "hand/fold1_seed3",
        "ssal/fold0_seed4",
        "ssal/fold1_seed4",
    ]


def test_hand_made_features_are_probed_with_every_seed_where_it_draws_the_labels(tmp_path: Path) -> None:
    probes = {"all": {}, "tenth": {"label_fraction": 0.1}, "two": {"persons": 2}}
    protocols = {name: {"type": "LinearProbe", **entry} for name, entry in probes.items()}
    methods = {"hand": {"kinematics": PRETRAIN}}
    study = read_study(
        write_study(tmp_path, methods=methods, protocols=protocols, splits=[0], seeds=[3, 4], reference="hand")
    )
    assert [str(job) for job in study.jobs()] == ["hand/fold0_seed3", "hand/fold0_seed4"]
    hand = study.methods["hand"]
    assert study.asked(hand, 3) == ("all", "tenth", "two") and study.asked(hand, 4) == ("tenth",)


def test_inner_validation_leaves_the_test_fold_alone(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, splits=[(1, 0), (2, 1)]))
    assert study.splits == (Split(1, 0), Split(2, 1))
    assert study.purpose == "inner validation"
    assert str(study.splits[0]) == "fold1_without0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"splits": [0, (1, 0)]}, "all of them tests or all of them inner validation"),
        ({"splits": [0, 0]}, "needs different splits"),
        ({"splits": ["0"]}, "is neither a fold nor"),
        ({"seeds": []}, "different whole numbers"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        ({"seeds": [[1]]}, "different whole numbers"),
        ({"reference": "nobody"}, "study.reference: no such method"),
        ({"reference": ["untrained"]}, "study.reference: no such method"),
        ({"ledger": 5}, "study.ledger: is no path"),
        ({"methods": {"a b": {"pretrain": PRETRAIN}}}, "needs names of letters"),
        ({"methods": {"--help": {"pretrain": PRETRAIN}}}, "needs names of letters"),
        ({"methods": {1: {"pretrain": PRETRAIN}}}, "needs names of letters"),
        ({"methods": {}}, "needs names of letters"),
        ({"methods": {"ssal": {"title": "no config"}}}, "needs one of"),
        ({"methods": {"ssal": {"pretrain": PRETRAIN, "untrained": PRETRAIN}}}, "needs one of"),
        ({"methods": {"ssal": {"pretrain": "nowhere.py"}}}, "ssal.pretrain: no such config"),
        ({"methods": {"ssal": {"pretrain": 3}}}, "ssal.pretrain: no such config"),
        (of_method(title="untrained"), "study.methods: has two of one title"),
        (of_method(protocols=["other"]), "no such protocol"),
        (of_method(protocols=None), "ssal.protocols: no such protocol"),
        (of_method(protocols=3), "ssal.protocols: no such protocol"),
        (of_method(protocols="knn"), "ssal.protocols: no such protocol"),
        (
            {
                "methods": {"hand": {"kinematics": PRETRAIN}},
                "protocols": {"tune": {"type": "FineTune", "config": FINETUNE}},
            },
            r"hand.protocols: hand-made features have no encoder to fine-tune. Found: .*tune",
        ),
        (of_method(epochs=3), r"unknown \['epochs'\]"),
        (of_method(changes=None), "ssal.changes: is no dict"),
        (of_method(changes=["model.drop"]), "ssal.changes: is no dict"),
        (of_method(changes={"fold": 1}), "ssal.changes: sets what splits and seeds"),
        (of_method(changes={"train_dataloader.dataset.unused_fold": 1}), "sets what splits and seeds"),
        (of_method(changes={"randomness.seed": 1}), "sets what splits and seeds"),
        ({"changes": "model.drop=None"}, "study.changes: is no dict"),
        ({"changes": {"randomness": {"seed": 3}}}, "study.changes: sets what splits and seeds"),
        ({"protocols": None}, "study.protocols: needs names"),
        ({"protocols": {"a": {"title": "b", "type": "KNN"}, "b": {"type": "KNN"}}}, "protocols: has two of one title"),
        ({"protocols": {"pretrain": {"type": "KNN"}}}, "'pretrain' is taken"),
        (of_protocol("Nearest"), "has no such type"),
        (of_protocol("KNN", neighbours=3), "the arguments do not fit"),
        (of_protocol("KNN", k=0), "protocols.one.k: needs a whole number of at least 1"),
        (of_protocol("KNN", k="5"), "protocols.one.k: needs"),
        (of_protocol("KNN", temperature=0), "protocols.one.temperature: needs a number of at least 3e-39"),
        (of_protocol("KNN", temperature=float("1e999")), "the config does not parse"),  # inf is no name there
        (of_protocol("LinearProbe", label_fraction="0.1"), "protocols.one.label_fraction: needs"),
        (of_protocol("LinearProbe", label_fraction=1.5), "protocols.one.label_fraction: needs"),
        (of_protocol("LinearProbe", persons=0), "protocols.one.persons: needs"),
        (of_protocol("LinearProbe", persons=True), "protocols.one.persons: needs"),
        (of_protocol("FineTune"), "the arguments do not fit"),
        (of_protocol("FineTune", config=3), "protocols.one.config: no such config"),
        (of_protocol("FineTune", config="nowhere.py"), "protocols.one.config: no such config"),
        (of_protocol("FineTune", config=PRETRAIN), "protocols.one.config: needs the path of a config of a GaitC"),
        (of_protocol("FineTune", config=FINETUNE, label_fraction=0), "protocols.one.label_fraction: needs"),
        ({"comparisons": [("ssal/linear", "ssal/finetune")]}, "is no pair of METHOD/PROTOCOL"),
        ({"comparisons": 5}, "is no pair of METHOD/PROTOCOL"),
        ({"comparisons": [5]}, "is no pair of METHOD/PROTOCOL"),
        ({"fold": 3}, r"unknown \['fold'\]"),
    ],
)
def test_a_study_that_cannot_be_meant_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_study(write_study(tmp_path, **changes))


def test_a_file_that_is_no_study_is_refused(tmp_path: Path) -> None:
    for text, message in [("study = 3", "holds no study"), ("x = (", "does not parse"), ("x = 1", "holds no study")]:
        (tmp_path / "bad.py").write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_study(tmp_path / "bad.py")
    with pytest.raises(ConfigError, match="no such config"):
        read_study(tmp_path / "none.py")

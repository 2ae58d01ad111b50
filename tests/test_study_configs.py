"""The studies that come with the project: every method's config is read, its model built and initialised."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config
from runs import ROOT

from mmgaitemo.models.data_preprocessor import check_in_channels
from mmgaitemo.models.initial import initialise
from mmgaitemo.registry import MODELS
from mmgaitemo.study.job import method_config
from mmgaitemo.study.reading import read_study

STUDIES = [path for path in sorted((ROOT / "configs/studies").glob("*.py")) if "study" in Config.fromfile(path)]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_method_of_a_study_can_be_built_and_initialised(path: Path, stand_in_env: dict[str, str]) -> None:
    study = read_study(path)
    for method in study.methods.values():
        cfg = method_config(method, study.splits[0], study.seeds[0])
        model = MODELS.build(cfg.model)
        check_in_channels(model)
        initialise(model)
        for protocol in method.protocols:
            study.protocols[protocol].settings()
    tests = "synthetic" not in study.data and study.purpose == "test"
    assert tests == (study.ledger is not None), "readings of test folds are noted, and nothing else"
    assert "E-Gait" not in study.data or "own part, 342" in study.data

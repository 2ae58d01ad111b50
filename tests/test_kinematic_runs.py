"""Whole runs with kinematic targets: statistics of the training walks, bit-exact resume, missing parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import plain_encoder  # noqa: F401  registers PlainEncoder
import pytest
import torch
from runs import ROOT, TINY_ENCODER, tiny_config, train

from mmgaitemo.config import load_config
from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.kinematics.collect import kinematic_features
from mmgaitemo.models.modules.kinematic_targets import KinematicTargets
from mmgaitemo.registry import DATASETS

PIPELINE = "train_dataloader.dataset.pipeline"
STEP = {
    f"{PIPELINE}.order": ("kinematics", "time", "root", "scale", "heading", "pack"),
    f"{PIPELINE}.kinematics": dict(type="Kinematics"),
}
PARTS = {
    "model.loss_kinematics": dict(type="KinematicTargetLoss", weight=3.0),
    "model.soft_targets": dict(type="KinematicSoftTargets", share=0.5),
    "model.queue.type": "KinematicQueue",
}
HOOK = {"default_hooks.kinematics": dict(type="KinematicsHook")}


def run(folder: Path, **options: Any) -> Any:
    cfg = tiny_config(folder, log_level="ERROR", **options)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = cfg.model.drop = None
    cfg.model.backbone = dict(type="PlainEncoder")
    cfg.default_hooks.pop("report")  # it draws
    return train(cfg)


def states(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def test_resumed_run_is_bit_identical_and_standardised_by_the_training_walks(tmp_path: Path) -> None:
    model = run(tmp_path / "whole", **STEP, **PARTS, **HOOK)

    cut = {"default_hooks.power_cut": dict(type="PowerCut")}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", **STEP, **PARTS, **HOOK, **cut)
    torch.manual_seed(99)  # whatever state the new process starts in
    resumed_model = run(tmp_path / "cut", **STEP, **PARTS, **HOOK, resume=True)
    expected, resumed = (states(tmp_path / name / "epoch_2.pth") for name in ("whole", "cut"))
    assert expected.keys() == resumed.keys()
    assert all(torch.equal(value, resumed[key]) for key, value in expected.items())
    assert torch.equal(resumed["queue.kinematics.samples"], resumed["queue.samples"])

    dataset = tiny_config(tmp_path, **STEP).train_dataloader.dataset
    targets = KinematicTargets()
    targets.fit(kinematic_features(DATASETS.build(dataset))[0])
    for key in ("centre", "spread"):
        assert torch.equal(getattr(targets, key), expected[f"kinematics.{key}"])
    assert resumed_model.kinematics.ready
    assert model.kinematics.ready


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"default_hooks.*KinematicsHook"):
        run(tmp_path / "a", **STEP, **PARTS)
    with pytest.raises(ConfigError, match=r"dataset.pipeline.*type='Kinematics'"):
        run(tmp_path / "b", **PARTS, **HOOK)
    with pytest.raises(ConfigError, match=r"default_hooks.kinematics.*loss_kinematics or soft_targets.*SSAL"):
        run(tmp_path / "c", **STEP, **HOOK)


def test_the_config_of_the_page_trains(stand_in_env: dict[str, str], tmp_path: Path) -> None:
    (config,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/method.md").read_text(), re.S | re.M)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "ssal_kinematics.py").write_text(config)
    small = {"train_cfg.max_epochs": 1, "train_dataloader.batch_size": 8, "work_dir": str(tmp_path / "run")}
    cfg = load_config(tmp_path / "ssal_kinematics.py", {**small, **TINY_ENCODER, "log_level": "ERROR"})
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.pop("report")
    model = train(cfg)
    assert model.kinematics.ready and model.loss_kinematics is not None and model.soft_targets is not None
    assert model.queue.kinematics.keys.any()

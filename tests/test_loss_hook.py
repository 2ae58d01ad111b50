"""What is logged and when a run stops, though the losses are read late; data on the device; labels of a classifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from runs import ROOT, TINY_ENCODER, tiny_config, train

from mmgaitemo.config import load_config
from mmgaitemo.errors import DataError, TrainingError
from mmgaitemo.registry import HOOKS

UPSTREAM = {
    "default_hooks.runtime_info.type": "mmengine.RuntimeInfoHook",
    "optim_wrapper.type": "mmengine.OptimWrapper",
}


def short(work_dir: Path, **options: Any) -> Config:
    """A run without evaluations, pictures and, unless asked for, checkpoints."""
    cfg = tiny_config(work_dir, **{"default_hooks.checkpoint.interval": -1, **options})
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.pop("report")  # its pictures take longer than the run
    return cfg


def poison(cfg: Config, *iterations: int) -> None:
    """Make the first walk's inputs infinite in these iterations of the first epoch."""

    @HOOKS.register_module(force=True)
    class Poison(Hook):
        seen = 0

        def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
            Poison.seen += 1
            if batch_idx in iterations:
                data_batch["inputs"][0, 0, 3, 2] = float("inf")

    cfg.default_hooks.poison = dict(type="Poison")


def test_log_equals_that_of_the_hook_that_reads_every_iteration(tmp_path: Path) -> None:
    logs, histories = [], []
    for name, options in (("ours", {}), ("upstream", UPSTREAM)):
        cfg = short(tmp_path / name, **options, **{"default_hooks.logger.interval": 3})
        cfg.optim_wrapper.clip_grad = dict(max_norm=0.5)
        runner = Runner.from_cfg(cfg)
        runner.train()
        lines = next((tmp_path / name).glob("*/vis_data/scalars.json")).read_text().splitlines()
        logs.append([{k: v for k, v in json.loads(line).items() if "time" not in k} for line in lines])
        scalars = {k: v.data for k, v in runner.message_hub.log_scalars.items() if "time" not in k}
        histories.append({k: (values.tolist(), counts.tolist()) for k, (values, counts) in scalars.items()})
    assert logs[0] == logs[1]
    assert histories[0] == histories[1]
    assert len(histories[0]["train/loss_info"][0]) == len(histories[0]["train/grad_norm"][0]) == 8


def test_the_first_of_several_bad_iterations_is_named_when_the_log_is_written(tmp_path: Path) -> None:
    cfg = short(tmp_path, **{"default_hooks.logger.interval": 4})
    poison(cfg, 1, 2)
    names: list[list[str]] = []

    @HOOKS.register_module(force=True)
    class Names(Hook):
        def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
            names.append(data_batch["id"])

    cfg.default_hooks.names = dict(type="Names")
    with pytest.raises(TrainingError, match="epoch 1, iteration 2: the loss is not finite") as caught:
        train(cfg)
    assert len(names) == 4
    assert str(names[1]) in str(caught.value)


def test_what_is_wrong_from_the_start_is_said_at_the_start(tmp_path: Path) -> None:
    cfg = short(tmp_path, **{"default_hooks.logger.interval": 100})
    poison(cfg, 0)
    with pytest.raises(TrainingError, match="epoch 1, iteration 1"):
        train(cfg)
    assert HOOKS.get("Poison").seen == 1


def test_no_checkpoint_is_written_after_a_bad_loss(tmp_path: Path) -> None:
    cfg = short(tmp_path, **{"default_hooks.logger.interval": 100, "default_hooks.checkpoint.interval": 1})
    cfg.default_hooks.checkpoint.by_epoch = False
    poison(cfg, 2)
    with pytest.raises(TrainingError, match="iteration 3"):
        train(cfg)
    assert sorted(path.name for path in tmp_path.glob("*.pth")) == ["iter_1.pth", "iter_2.pth"]
    for path in tmp_path.glob("*.pth"):
        state = torch.load(path, weights_only=True)["state_dict"]
        assert all(torch.isfinite(value).all() for value in state.values() if value.is_floating_point())


def test_no_validation_of_a_broken_model(tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path, **{"default_hooks.logger.interval": 100, "default_hooks.checkpoint.interval": -1})
    cfg.train_cfg = dict(by_epoch=False, max_iters=4, val_interval=2)
    cfg.param_scheduler = None
    poison(cfg, 1)
    with pytest.raises(TrainingError, match="iteration 2"):
        train(cfg)
    assert HOOKS.get("Poison").seen == 2


def test_data_on_the_device_change_nothing(tmp_path: Path) -> None:
    states = []
    for name in ("loader", "resident"):
        cfg = short(tmp_path / name, **{"train_dataloader.drop_last": False})
        if name == "resident":
            cfg.default_hooks.resident = dict(type="ResidentDataHook")
        states.append(train(cfg).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_a_classifier_refuses_walks_without_a_label_before_it_trains(tmp_path: Path) -> None:
    cfg = load_config(ROOT / "configs" / "downstream" / "supervised_synthgait.py", TINY_ENCODER)
    cfg.work_dir, cfg.experiment_name = str(tmp_path), "unlabelled"
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.train_dataloader.batch_size = 8
    cfg.train_dataloader.dataset.update(num_persons=10, takes=1)
    runner = Runner.from_cfg(cfg)
    dataset = runner.train_dataloader.dataset
    dataset.labels[[3, 5]] = -1
    with pytest.raises(DataError, match=r"without a label.*2 of 32") as caught:
        runner.train()
    assert all(dataset.ids[row] in str(caught.value) for row in (3, 5))

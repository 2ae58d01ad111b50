"""Every config is built and trained one step, on stand-ins for the data that cannot be shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from runs import ROOT

from mmgaitemo.config import datasets_of, load_config
from mmgaitemo.errors import ConfigError
from mmgaitemo.overrides import EFFECTIVE

FILES = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "configs").rglob("*.py") if "_base_" not in p.parts)
STUDIES = [name for name in FILES if "studies" in name]
CONFIGS = [name for name in FILES if name not in STUDIES]
ABLATIONS = [name for name in CONFIGS if "ablations" in name and "layers" not in name]


def one_step(cfg: Config) -> dict[str, torch.Tensor]:
    """The first optimiser step of a run, with all its hooks; the losses."""
    losses = {}

    class StopHook(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
            losses.update(outputs)
            raise KeyboardInterrupt

    runner = Runner.from_cfg(cfg)
    runner.register_hook(StopHook(), priority="LOWEST")
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    return losses


@pytest.mark.parametrize("name", CONFIGS)
def test_config_trains_a_step(name: str, stand_in_env: dict[str, str], tmp_path: Path) -> None:
    cfg = load_config(ROOT / name)
    cfg.work_dir = str(tmp_path)
    cfg.train_dataloader.batch_size = 4 if "semi" in name else 8
    for dataset in datasets_of(cfg):
        if dataset.type == "SyntheticGait":
            dataset.update(num_persons=10, takes=1)
        if "label_file" in dataset:
            dataset.label_file = None  # made for other walks than the stand-ins
    if cfg.model.get("encoder") == "required":
        cfg.model.encoder = "untrained"
    if name.endswith("emilya.py"):
        assert len(cfg.train_dataloader.dataset.classes) == 8
    losses = one_step(cfg)
    assert all(torch.isfinite(torch.as_tensor(value)) for value in losses.values())
    if "ssal" in name or "ablations" in name or "baselines" in name:
        assert "loss_info" in losses


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablation_inherits_and_changes_at_most_six_lines(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == '_base_ = "../ssal_egait.py"'
    assert len(lines[1:]) <= 6


def test_each_ablation_differs_from_the_full_method_in_its_knob_alone(stand_in_env: dict[str, str]) -> None:
    def effective(name: str) -> dict:
        return {key: value for key, value in load_config(ROOT / name).to_dict().items() if key in EFFECTIVE}

    full = effective("configs/ssal_egait.py")
    changed = {
        "no_jitter": {"model.data_preprocessor.views.strong.ssa.jitter"},
        "no_mask": {"model.data_preprocessor.views.strong.ssa.mask"},
        "no_ssa": {"model.data_preprocessor.views.strong.order", "model.data_preprocessor.views.strong.ssa"},
        "general_only": {"model.data_preprocessor.views.strong", "model.loss_divergence", "model.drop"},
        "no_divergence": {"model.loss_divergence", "model.drop", "model.strong_info"},
        "no_drop": {"model.drop"},
        "graph_only": {"model.backbone.image"},
        "image_only": {"model.backbone.graph", "model.drop.branches"},
        "bone": {"model.data_preprocessor.stream"},
        "exchange_sides": {
            f"{role}.pipeline.{key}"
            for role in ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
            for key in ("order", "sides")
        },
        "motion": {"model.data_preprocessor.stream"},
    }
    assert {Path(name).stem for name in ABLATIONS} == set(changed)

    def paths(a, b, prefix: str = "") -> set[str]:
        if not (isinstance(a, dict) and isinstance(b, dict)):
            return set() if a == b else {prefix}
        return {p for key in a.keys() | b.keys() for p in paths(a.get(key), b.get(key), f"{prefix}.{key}".strip("."))}

    for name in ABLATIONS:
        assert paths(full, effective(name)) == changed[Path(name).stem], name


def test_fold_reaches_every_data_set_and_an_explicit_one_wins(stand_in_env: dict[str, str]) -> None:
    cfg = load_config(ROOT / "configs" / "ssal_egait.py", {"fold": 3, "val_dataloader.dataset.fold": 1})
    assert cfg.train_dataloader.dataset.fold == cfg.val_cfg.bank.fold == 3
    assert cfg.val_dataloader.dataset.fold == 1


def test_a_dumped_config_trains_the_same(stand_in_env: dict[str, str], tmp_path: Path) -> None:
    """MMEngine sorts the keys of what it dumps; the recipes' order has to survive that."""
    cfg = load_config(ROOT / "configs" / "baselines" / "aimclr_stgcn_egait.py")
    cfg.train_dataloader.batch_size = 8
    cfg.work_dir = str(tmp_path / "a")
    cfg.dump(tmp_path / "dumped.py")
    again = load_config(tmp_path / "dumped.py")
    again.work_dir = str(tmp_path / "b")
    first, second = one_step(cfg), one_step(again)
    assert {k: float(v) for k, v in first.items()} == {k: float(v) for k, v in second.items()}


def test_missing_or_broken_configs_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.py: no such config"):
        load_config(tmp_path / "nowhere.py")
    (tmp_path / "broken.py").write_text("model = dict(")
    with pytest.raises(ConfigError, match=r"broken.py: the config does not parse"):
        load_config(tmp_path / "broken.py")

"""What is found before a run exists: overrides without sense, schedules that do not end with it, data it cannot use."""

from __future__ import annotations

import argparse
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import ConcatDataset
from mmengine.runner import Runner
from runs import ROOT, TINY_ENCODER, tiny_config
from torch.utils.data import Dataset

from mmgaitemo.cli import config_from
from mmgaitemo.config import Built, load_config, preflight
from mmgaitemo.errors import ConfigError, DataError, TrainingError
from mmgaitemo.evaluation import GaitMetric
from mmgaitemo.overrides import Overrides, schedulers_of
from mmgaitemo.registry import DATASETS
from mmgaitemo.rehearsal import rehearse
from mmgaitemo.samples import sample_ids, sample_labels

SYNTHGAIT, EGAIT = ROOT / "configs/ssal_synthgait.py", ROOT / "configs/ssal_egait.py"
CONFIGS = [SYNTHGAIT, EGAIT, ROOT / "configs/downstream/linear_egait.py", ROOT / "configs/downstream/finetune_egait.py"]


def parsed(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=Overrides)
    return parser.parse_args(["--cfg-options", *words]).cfg_options


def test_overrides_are_pairs() -> None:
    assert parsed("a.b=1", "c=(8,8)", "d=x=y") == {"a.b": 1, "c": (8, 8), "d": "x=y"}


@pytest.mark.parametrize("word", ["foo", "a=(1,[2,3)", "a=[(1,2]"])
def test_an_override_that_is_no_pair_is_named(word: str) -> None:
    with pytest.raises(ConfigError, match="KEY=VALUE") as caught:
        parsed("b=1", word)
    assert word in str(caught.value)


@pytest.mark.parametrize("text", ["no", "off", "yes", "0.0.0"])
@pytest.mark.parametrize("key", ["model.head.norm", "train_cfg.by_epoch", "param_scheduler.0.by_epoch"])
def test_text_for_a_switch_is_refused(key: str, text: str) -> None:
    """Any text is true in Python: norm=no would switch it on."""
    with pytest.raises(ConfigError, match=f"{key}: is a switch.*{key}=True or {key}=False"):
        load_config(SYNTHGAIT, {key: text})


def test_switches_take_truth_values_and_text_goes_where_text_was() -> None:
    cfg = load_config(SYNTHGAIT, parsed("model.head.norm=false", "model.data_preprocessor.stream=bone"))
    assert cfg.model.head.norm is False
    assert cfg.model.data_preprocessor.stream == "bone"


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("epochs", [1, 2, 7, 20, 50, 90, 150, 1000])
def test_the_schedule_follows_the_length_of_the_run(config: Path, epochs: int) -> None:
    """Every point keeps its share of the run, to half an epoch; the parts meet, and the last ends with the run."""
    whole, short = load_config(config), load_config(config, {"train_cfg.max_epochs": epochs})
    scale = epochs / whole.train_cfg.max_epochs
    before, after = schedulers_of(whole), schedulers_of(short)
    kept = [old for old in before if old.get("end", np.inf) * scale > 0.5]
    assert [new.type for new in after] == [old.type for old in kept]
    for old, new in zip(kept, after, strict=True):
        assert set(new) == set(old)
        for point in ("begin", "end"):
            assert abs(new.get(point, 0) - old.get(point, 0) * scale) <= 0.5
    assert after[-1].get("begin", 0) + after[-1].T_max == epochs == after[-1].get("end", epochs)
    assert all(a["end"] == b["begin"] for a, b in pairwise(after))


def test_a_stretched_schedule_still_anneals_to_nothing(tmp_path: Path) -> None:
    runner = Runner.from_cfg(tiny_config(tmp_path))  # 2 epochs for 20
    runner.train()
    rate, steps = runner.cfg.optim_wrapper.optimizer.lr, runner.max_iters
    assert runner.optim_wrapper.get_lr()["lr"][0] == pytest.approx(rate * (1 + math.cos(math.pi * (1 - 1 / steps))) / 2)


def test_a_schedule_given_too_is_taken_as_it_is() -> None:
    options = {"train_cfg.max_epochs": 40, "param_scheduler.1.end": 40, "param_scheduler.1.T_max": 38}
    cfg = load_config(SYNTHGAIT, options)
    assert [(s.begin, s.end, s.get("T_max")) for s in cfg.param_scheduler] == [(0, 2, None), (2, 40, 38)]


@pytest.mark.parametrize(("epochs", "schedule"), [(40, {}), (40, {"param_scheduler.1.T_max": 40}), (10, {})])
def test_a_schedule_that_does_not_end_with_the_run_is_refused(epochs: int, schedule: dict, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"_base_ = {str(SYNTHGAIT)!r}\ntrain_cfg = dict(max_epochs={epochs})\n")
    with pytest.raises(ConfigError, match=r"CosineAnnealingLR ends at epoch \d+ .*train_cfg.max_epochs.*Found: \d+"):
        preflight(load_config(tmp_path / "mine.py", schedule))


def test_what_preflight_built_is_what_the_run_would_use(tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path / "none")
    built = rehearse(cfg)
    assert isinstance(built, Built)
    for role, described in (
        ("train_dataloader.dataset", cfg.train_dataloader.dataset),
        ("val_dataloader.dataset", cfg.val_dataloader.dataset),
        ("val_cfg.bank", cfg.val_cfg.bank),
    ):
        assert sample_ids(built.datasets[role]) == DATASETS.build(described).ids
    assert len(built.datasets) == 3
    assert not (tmp_path / "none").exists()


def test_a_config_without_a_part_that_a_tool_needs_is_no_complete_one() -> None:
    args = argparse.Namespace(
        config=str(SYNTHGAIT), cfg_options={"val_dataloader": None}, work_dir=None, launcher="none"
    )
    assert config_from(args).model.type == "SSAL"
    with pytest.raises(ConfigError, match=r"no complete config.*val_dataloader"):
        config_from(args, "val_dataloader")


class Plain(Dataset):
    """A data set that is not MMEngine's."""

    def __init__(self, ids: list[str], labels: list[int]) -> None:
        self.ids_and_labels = list(zip(ids, labels, strict=True))

    def __len__(self) -> int:
        return len(self.ids_and_labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        name, label = self.ids_and_labels[index]
        return {"id": name, "label": torch.tensor(label), "inputs": None}


def test_ids_and_labels_of_plain_and_wrapped_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = tiny_config(tmp_path)
    train, held_out = (DATASETS.build(loader.dataset) for loader in (cfg.train_dataloader, cfg.val_dataloader))
    both = ConcatDataset([train, held_out])
    expected = [(item["id"], int(item["label"])) for part in (train, held_out) for item in part]
    assert list(zip(sample_ids(both), sample_labels(both).tolist(), strict=True)) == expected
    monkeypatch.setattr(type(train), "__getitem__", None)  # the walks themselves are not read
    assert sample_ids(both) == [name for name, _ in expected]
    plain = Plain(["b", "a"], [-1, 2])
    assert (sample_ids(plain), sample_labels(plain).tolist()) == (["b", "a"], [-1, 2])


def egait(**options: Any) -> Config:
    return load_config(EGAIT, {"train_dataloader.batch_size": 8, **TINY_ENCODER, **options})


@pytest.mark.parametrize(
    ("role", "error", "words"),
    [
        ("val_cfg.bank", ConfigError, "val_cfg.bank: no walk has a label"),
        ("val_dataloader.dataset", DataError, "val_dataloader.dataset: walks without a label.*person"),
    ],
)
def test_walks_that_need_labels_are_found_before_the_run(
    role: str, error: type[Exception], words: str, stand_in_env: dict[str, str]
) -> None:
    with pytest.raises(error, match=words):
        rehearse(egait(**{f"{role}.files.own.labels": None}))


def test_pretraining_needs_no_labels(stand_in_env: dict[str, str]) -> None:
    assert (
        sample_labels(
            rehearse(egait(**{"train_dataloader.dataset.files.own.labels": None}))[1]["train_dataloader.dataset"]
        )
        < 0
    ).all()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_win_no_class(number: float) -> None:
    metric = GaitMetric()
    sound = {"label": 0, "scores": torch.tensor([0.6, 0.4])}
    metric.process({}, [{"id": "fine", **sound}])
    with pytest.raises(TrainingError, match=r"walks \['bad', 'worse'\].*2 of 3 walks"):
        metric.process(
            {},
            [
                {"id": "bad", "label": 0, "scores": torch.tensor([number, 0.1])},
                {"id": "good", **sound},
                {"id": "worse", "label": 1, "scores": torch.full((2,), number)},
            ],
        )

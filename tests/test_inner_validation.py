"""Choosing something by inner validation: the fold kept for the final test is in neither split."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from conftest import write_archive
from runs import ROOT, tiny_config, train

from mmgaitemo.config import load_config
from mmgaitemo.datasets import GaitDataset, SyntheticGait
from mmgaitemo.errors import CheckpointError, ConfigError
from mmgaitemo.provenance import SCHEDULE, check_made_with

ROLES = ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
PLAIN = dict(order=("time", "pack"), time=dict(type="TileCyclic", length=8), pack=dict(type="PackGait"))


def synthetic(**changes: Any) -> SyntheticGait:
    return SyntheticGait(**{**dict(num_persons=6, takes=1, num_folds=3, pipeline=PLAIN), **changes})


@pytest.mark.parametrize(("fold", "unused"), permutations(range(3), 2))
def test_the_unused_fold_is_in_neither_split(fold: int, unused: int) -> None:
    inner = {split: synthetic(split=split, fold=fold, unused_fold=unused) for split in ("train", "test")}
    kept = synthetic(split="test", fold=unused)
    for dataset in inner.values():
        assert set(dataset.ids).isdisjoint(kept.ids)
        assert set(dataset.groups).isdisjoint(kept.groups)
    assert inner["test"].ids == synthetic(split="test", fold=fold).ids  # the fold to choose on is whole
    assert set(inner["train"].ids) == set(synthetic(fold=fold).ids) - set(kept.ids)
    assert set(synthetic(split="all", fold=fold, unused_fold=unused).ids) == set(synthetic(split="all").ids)


def test_none_leaves_one_fold_out() -> None:
    assert synthetic(fold=1, unused_fold=None).ids == synthetic(fold=1).ids


def test_label_fractions_are_of_what_is_left() -> None:
    thin = synthetic(fold=0, unused_fold=2, label_fraction=0.5, label_seed=3)
    assert set(thin.ids) < set(synthetic(fold=0, unused_fold=2).ids)
    assert thin.labels.bincount().tolist() == [1, 1, 1, 1]  # half of two persons' walks


def test_pretrain_only_walks_stay(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.gait.h5", ("w", "x", "y", "z"))
    write_archive(tmp_path / "more.gait.h5", ())
    data = GaitDataset(
        data_root=str(tmp_path),
        files=dict(a=dict(archive="a.gait.h5"), more=dict(archive="more.gait.h5", pretrain_only=True)),
        pipeline=PLAIN,
        classes=("w", "x", "y", "z"),
        fold_file=None,
        num_folds=4,
        fold=1,
        unused_fold=3,
    )
    more = [name for name in data.ids if name.startswith("more")]
    assert len(more) == 64
    assert len(data) == 64 + 32  # two of the four folds of the labelled archive


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (dict(unused_fold=0), "another fold than the one held out"),
        (dict(unused_fold=3), r"use one of \[1, 2\], or None"),
        (dict(unused_fold=-1), "another fold than the one held out"),
        (dict(unused_fold="1"), "another fold than the one held out"),
        (dict(unused_fold=True), "another fold than the one held out"),
        (dict(unused_fold=1, num_folds=2), "leaves nothing to train on"),
        (dict(unused_fold=1, label_file="lists.json"), "label lists are made for all folds but one"),
    ],
)
def test_what_cannot_be_left_out_is_named(changes: dict, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        synthetic(**changes)
    assert "SyntheticGait.unused_fold" in str(caught.value)


def test_the_config_variable_reaches_every_data_set_and_an_explicit_one_wins(stand_in_env: dict[str, str]) -> None:
    for name in ("ssal_egait.py", "ssal_synthgait.py", "ssal_pathogait.py"):
        path = ROOT / "configs" / name
        cfg = load_config(path, {"unused_fold": 2, "val_cfg.bank.unused_fold": 3})
        given = [cfg.train_dataloader.dataset, cfg.val_dataloader.dataset, cfg.val_cfg.bank]
        assert [dataset.get("unused_fold") for dataset in given] == [2, 2, 3]
        assert load_config(path).unused_fold is None


def test_a_run_never_sees_the_unused_fold_and_says_so_in_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --cfg-options; another choice of the unused fold is another run."""
    seen: set[str] = set()
    fetch = SyntheticGait.__getitems__
    monkeypatch.setattr(
        SyntheticGait,
        "__getitems__",
        lambda self, indices: seen.update(self.ids[index] for index in indices) or fetch(self, indices),
    )
    cfg = tiny_config(tmp_path, **{"unused_fold": 2, "train_cfg.max_epochs": 1, "train_cfg.val_interval": 1})
    train(cfg)
    every = {f: SyntheticGait(num_persons=10, takes=1, split="test", fold=f, pipeline=PLAIN).ids for f in range(5)}
    assert seen.isdisjoint(every[2])
    assert seen >= {name for fold, ids in every.items() if fold != 2 for name in ids}
    checkpoint = {"meta": {"cfg": cfg.pretty_text}}
    check_made_with(checkpoint, cfg, SCHEDULE, "run")
    with pytest.raises(CheckpointError, match="unused_fold"):
        check_made_with(checkpoint, tiny_config(tmp_path, **{"train_cfg.max_epochs": 1}), SCHEDULE, "run")

"""tools/analysis/compare_variants.py: the same folds and seeds for every variant, and what is read off them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import ROOT

from mmgaitemo.datasets import SyntheticGait
from mmgaitemo.evaluation.linear_probe import linear_probe
from mmgaitemo.evaluation.variants import front, knee, run_cell, summarise, table

TOOL = ROOT / "tools/analysis/compare_variants.py"
CONFIG = str(ROOT / "configs/ssal_synthgait.py")
FEW = dict(dataset=dict(num_persons=15, takes=1))
SMALL = dict(
    model=dict(
        backbone=dict(
            graph=dict(channels=(8,), strides=(2,)), image=dict(stem=8, channels=(8,), strides=(2, 1)), out_channels=8
        ),
        head=dict(hidden_channels=8, out_channels=8),
        queue=dict(size=16, dim=8),
    ),
    train_dataloader=dict(batch_size=8, **FEW),
    val_dataloader=FEW,
    val_cfg=dict(bank=FEW["dataset"]),
)


def compare(*args: str) -> tuple[int, str]:
    """Run the tool: how it ended and what it said."""
    command = [sys.executable, str(TOOL), *args]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def cells(**scores: list[float]) -> list[dict[str, Any]]:
    """A cell per seed; MACs grow from variant to variant."""
    return [
        dict(
            variant=name,
            fold=0,
            unused=None,
            seed=seed,
            epochs=1,
            steps=2,
            trained=dict(knn=value, linear=value),
            untrained=dict(knn=0.25, linear=0.25),
            macs=1000 * (rank + 1),
            parameters=10,
            cpu_seconds_per_step=0.1,
        )
        for rank, (name, values) in enumerate(scores.items())
        for seed, value in enumerate(values)
    ]


def test_a_study_is_run_once_and_gone_on_with(tmp_path: Path) -> None:
    variants, out = tmp_path / "variants.py", tmp_path / "new/out.json"
    variants.write_text(f"variants = dict(plain={SMALL!r}, other={SMALL | dict(param_scheduler=[])!r})\n")
    always = [CONFIG, "--variants", str(variants), "--epochs", "1", "--splits", "1/0", "--out", str(out)]
    code, said = compare(*always, "--only", "plain")
    assert code == 0, said
    first = json.loads(out.read_text())
    (cell,) = first["cells"]
    assert (cell["variant"], cell["fold"], cell["unused"], cell["steps"]) == ("plain", 1, 0, 4)  # 36 walks in eights
    assert cell["macs"] > 0 < cell["cpu_seconds_per_step"]
    code, said = compare(*always)
    assert code == 0, said
    both = json.loads(out.read_text())["cells"]
    assert both[0] == cell
    assert [c["variant"] for c in both] == ["plain", "other"]
    assert "| plain |" in said


def test_a_cell_is_repeated_exactly() -> None:
    cell = dict(variant="plain", fold=2, unused=None, seed=3, epochs=1)
    one, other = (run_cell(CONFIG, dict(SMALL), dict(cell)) for _ in range(2))
    assert one["trained"] == other["trained"]
    assert one["untrained"] == other["untrained"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--variants", "absent.py"], "no such file"),
        (["--only", "plian"], "no such variant"),
        (["--out", "broken.json"], "no finished cells"),
        (["--out", "other.json"], "another study"),
        (["--splits", "9"], "no such fold"),
        (["--splits", "0/0"], "another fold"),
        (["--jobs", "0"], "at least one"),
        (["--variants", "fold.py"], "sets itself"),
        (["--variants", "text.txt"], "cannot be read"),
    ],
)
def test_what_it_says_where_it_cannot(
    change: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("variants.py").write_text(f"variants = dict(plain={SMALL!r})\n")
    Path("fold.py").write_text("variants = dict(plain=dict(fold=3))\n")
    Path("text.txt").write_text("no Python")
    Path("broken.json").write_text("[]")
    Path("other.json").write_text('{"config": "another.py", "variants": {}, "cells": []}')
    options = {"--variants": "variants.py", "--epochs": "1", "--splits": "1/0", "--out": "out.json"}
    options[change[0]] = change[1]
    code, said = compare(CONFIG, *(word for pair in options.items() for word in pair))
    assert code == 1
    assert said.splitlines()[-1].startswith("error: ")
    assert message in said
    assert not Path("out.json").exists()


def test_differences_are_paired_and_only_shared_cells_count() -> None:
    many = cells(small=[0.5, 0.6, 0.7], large=[0.6, 0.7, 0.8])
    small, large = summarise([*many, *cells(small=[0.0] * 9)[3:]])  # six seeds that the large one lacks
    assert small.difference == (0.0, 0.0)
    assert large.difference == pytest.approx((0.1, 0.0))
    assert small.behind == pytest.approx((0.1, 0.0))
    np.testing.assert_allclose(small.score, [0.5, 0.6, 0.7])
    assert table(many).count("\n") == 3


def test_the_knee_is_the_cheapest_within_one_standard_error_of_the_best() -> None:
    clear = summarise(cells(a=[0.5, 0.5, 0.5], b=[0.7, 0.69, 0.71], c=[0.7, 0.71, 0.7], d=[0.6, 0.6, 0.6]))
    assert knee(clear).name == "b"  # 0.0033 behind, error 0.0088
    assert [summary.name for summary in front(clear)] == ["a", "b", "c"]
    certain = summarise(cells(a=[0.5, 0.5, 0.5], b=[0.69, 0.69, 0.69], c=[0.7, 0.7, 0.7]))
    assert knee(certain).name == "c"


def test_the_linear_probe_leaves_unlabelled_walks_out() -> None:
    torch.manual_seed(0)
    labels = torch.arange(60) % 3
    features = torch.nn.functional.one_hot(labels, 3) * 4.0 + torch.randn(60, 3)
    predicted = linear_probe(features, labels, features, 3, 0.05).argmax(1)
    assert (predicted == labels).float().mean() > 0.9
    noise = torch.randn(20, 3) * 50
    padded = linear_probe(
        torch.cat([features, noise]), torch.cat([labels, torch.full((20,), -1)]), features, 3, 0.05
    ).argmax(1)
    assert torch.equal(padded, predicted)


def test_the_test_fold_of_a_split_is_never_read() -> None:
    inner = {s: set(SyntheticGait(split=s, fold=1, unused_fold=0, pipeline=_pipeline(), **FEW["dataset"]).groups)
             for s in ("train", "test")}  # fmt: skip
    tested = set(SyntheticGait(split="test", fold=0, pipeline=_pipeline(), **FEW["dataset"]).groups)
    assert not tested & (inner["train"] | inner["test"])


def _pipeline() -> dict[str, Any]:
    return dict(order=("time", "pack"), time=dict(type="TileCyclic", length=8), pack=dict(type="PackGait"))


def test_one_cell_that_fails_costs_no_other(tmp_path: Path) -> None:
    variants, out = tmp_path / "variants.py", tmp_path / "out.json"
    bad = {**SMALL, "model": {**SMALL["model"], "quue": 1}}
    variants.write_text(f"variants = dict(bad={bad!r}, plain={SMALL!r})\n")
    code, said = compare(CONFIG, "--variants", str(variants), "--epochs", "1", "--splits", "1", "--out", str(out))
    assert code == 1
    assert "quue" in said
    study = json.loads(out.read_text())
    assert [cell["variant"] for cell in study["cells"]] == ["plain"]
    variants.write_text(f"variants = dict(plain={SMALL | dict(param_scheduler=[])!r})\n")
    code, said = compare(CONFIG, "--variants", str(variants), "--epochs", "1", "--splits", "1", "--out", str(out))
    assert code == 1
    assert "other variants of these names" in said
    assert json.loads(out.read_text()) == study


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_study_that_is_ended_leaves_no_cell_running(stop: signal.Signals, tmp_path: Path) -> None:
    variants = tmp_path / "variants.py"
    variants.write_text(f"variants = dict(plain={SMALL!r})\n")
    options = ["--epochs", "1000", "--splits", "1/0", "--seeds", "0", "1", "2", "--jobs", "2"]
    command = [
        sys.executable,
        str(TOOL),
        CONFIG,
        "--variants",
        str(variants),
        *options,
        "--out",
        str(tmp_path / "o.json"),
    ]
    log = (tmp_path / "log").open("w")
    study = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=log, stderr=log)
    children = Path(f"/proc/{study.pid}/task/{study.pid}/children")
    if not children.exists():
        study.kill()
        pytest.skip("this system does not list the children of a process")
    deadline = time.monotonic() + 60
    while len(running := children.read_text().split()) < 3 and time.monotonic() < deadline:  # two cells, one tracker
        time.sleep(0.2)
    study.send_signal(stop)
    assert study.wait(timeout=60) != 0
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in running) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not [pid for pid in running if Path(f"/proc/{pid}").exists()]

"""tools/analysis/cross_validate.py: what it runs, keeps and prints; and what it says where it cannot."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import ROOT, TINY_ENCODER

TOOL = ROOT / "tools/analysis/cross_validate.py"
PRETRAIN = str(ROOT / "configs/ssal_synthgait.py")
LINEAR = str(ROOT / "configs/downstream/linear_synthgait.py")
# Stands for tools/train.py: writes what it leaves behind, and fails where the file "broken" names its fold.
STAND_IN = """
import json, os, pathlib, sys
config, work_dir = pathlib.Path(sys.argv[1]).stem, pathlib.Path(sys.argv[3])
fold = work_dir.parent.name[4]
with open("ran", "a") as log:
    print(work_dir.parent.name, work_dir.name, *sys.argv[4:], file=log)
if pathlib.Path("broken").is_file() and fold in pathlib.Path("broken").read_text():
    sys.exit("error: a bad day. Remedy: sleep.")
names = ("knn/accuracy", "knn/balanced_accuracy", "knn/macro_f1", "untrained_accuracy", "majority_accuracy")
names = names if config.startswith("ssal") else ("accuracy", "balanced_accuracy", "macro_f1")
pathlib.Path(f"threads_{fold}").write_text(os.environ["OMP_NUM_THREADS"])
folder = work_dir / "now" / "vis_data"
folder.mkdir(parents=True, exist_ok=True)
lines = [{"lr": 1, "time": 0.5, "step": 1}, {**{name: 0.5 + int(fold) / 100 for name in names}, "step": 1}]
(folder / "scalars.json").write_text("\\n".join(map(json.dumps, lines)))
(work_dir / "last_checkpoint").write_text(str(work_dir / "epoch_1.pth"))
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the stand-in."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/train.py").write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(*args: str) -> Any:
    """Run the tool in this process, with the stand-in of the current folder; how it ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cross_validate.py", "--pretrain", PRETRAIN, "--out", "new/c.json", *args])
        scope = runpy.run_path(str(TOOL))
        scope["main"].__globals__["ROOT"] = Path.cwd()
        try:
            with scope["plain_errors"]():
                scope["main"]()
        except SystemExit as end:
            return end.code
    return 0


def ran() -> list[str]:
    lines = Path("ran").read_text().splitlines() if Path("ran").is_file() else []
    Path("ran").unlink(missing_ok=True)
    return lines


def test_pretraining_alone_runs_every_fold_of_the_data_set(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study("--cfg-options", "train_dataloader.dataset.num_folds=3") == 0
    assert sorted(line.split()[:2] for line in ran()) == [[f"fold{fold}_seed0", "pretrain"] for fold in range(3)]
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows == ["| protocol", "| majority class", "| kNN, untrained encoder", "| kNN, pre-trained encoder"]
    cells = json.loads(Path("new/c.json").read_text())["cells"]
    assert [(cell["fold"], cell["seed"]) for cell in cells] == [(0, 0), (1, 0), (2, 0)]
    assert all("linear" not in cell for cell in cells)


def test_overrides_reach_every_run_as_they_were_given(bench: Path) -> None:
    given = ["model.queue.size=9", "model.drop=None", "model.backbone.graph.channels=(8,8)", "model.strong_info=True"]
    assert study("--linear", LINEAR, "--folds", "1", "--cfg-options", *given) == 0
    runs = [line.split(" --cfg-options ") for line in ran()]
    checkpoint = "work_dirs/cross_validation/fold1_seed0/pretrain/epoch_1.pth"
    assert [run[0].split(maxsplit=1)[1] for run in runs] == [
        "pretrain --overwrite",
        f"linear --overwrite --encoder {checkpoint}",
        "linear_untrained --overwrite --encoder untrained",
    ]
    assert {run[1].replace(", ", ",") for run in runs} == {" ".join(["fold=1", "randomness.seed=0", *given])}


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_failing_fold_stops_no_other_and_is_run_again(
    bench: Path, jobs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken").write_text("1")
    ended = study("--folds", "0", "1", "2", "--jobs", jobs)
    assert "fold 1, seed 0" in ended and "a bad day" in ended and "ssal_synthgait.py failed" in ended
    assert "0.500 0.520 |" in capsys.readouterr().out  # by fold: the two that ended
    assert len(ran()) == 3
    Path("broken").unlink()
    assert study("--folds", "0", "1", "2") == 0
    assert [line.split()[0] for line in ran()] == ["fold1_seed0"]
    assert "0.500 0.510 0.520 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "jobs", "threads"), [(None, 1, 6), (None, 2, 3), (None, 3, 2), (None, 99, 1), ("5", 3, 5)]
)
def test_cells_share_the_cores(
    bench: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, jobs: int, threads: int
) -> None:
    """Together they use no more threads than one run would alone; who sets their number is obeyed."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    monkeypatch.setattr("torch.get_num_threads", lambda: 6)
    assert study("--folds", "0", "1", "--jobs", str(jobs)) == 0
    assert [Path(f"threads_{fold}").read_text() for fold in range(2)] == [str(threads)] * 2
    noted = [cell["threads"] for cell in json.loads(Path("new/c.json").read_text())["cells"]]
    assert noted == [f"{threads} each for {jobs} cells at a time"] * 2


def test_no_fold_at_all_ends_with_the_errors_alone(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken").write_text("01")
    assert study("--folds", "0", "1", "0").count("a bad day") == 2
    assert "protocol" not in capsys.readouterr().out


BROKEN = {"no JSON": "{", "a list": "[]", "cells of another kind": '{"cells": [1]}', "no fold": '{"cells": [{}]}'}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_file_of_cells_is_left_alone(bench: Path, case: str) -> None:
    Path("new").mkdir()
    Path("new/c.json").write_text(BROKEN[case])
    ended = study("--folds", "0")
    assert ended.startswith("error: new/c.json: holds no finished cells")
    assert Path("new/c.json").read_text() == BROKEN[case]
    assert not ran()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--jobs", "0"), "--jobs"),
        (("--linear", "nowhere.py"), "nowhere.py: no such config"),
        (("--cfg-options", "foo"), "KEY=VALUE"),
        (("--out", "tools"), "tools: holds no finished cells"),
        (("--out", "tools/train.py/c.json"), "holds no finished cells"),
    ],
)
def test_what_cannot_work_is_said_before_anything_runs(bench: Path, args: tuple[str, ...], words: str) -> None:
    assert words in study("--folds", "0", *args)
    assert not ran()


def test_another_study_is_refused(bench: Path) -> None:
    assert study("--folds", "0") == 0
    assert "holds another study" in study("--folds", "0", "--linear", LINEAR)
    assert "holds another study" in study("--folds", "0", "--cfg-options", "model.queue.size=9")


def test_the_real_thing(stand_ins: dict[str, str], tmp_path: Path) -> None:
    tiny = [f"{key}={value}".replace(" ", "") for key, value in TINY_ENCODER.items()]
    names = {"pretrain": "ssal_egait", "linear": "downstream/linear_egait"}
    configs = [word for key, name in names.items() for word in (f"--{key}", str(ROOT / f"configs/{name}.py"))]
    options = ("--cfg-options", "train_cfg.max_epochs=2", "train_dataloader.batch_size=8", *tiny)
    done = subprocess.run(
        [sys.executable, str(TOOL), *configs, "--folds", "1", "--out", "c.json", *options],
        cwd=tmp_path,
        env={**os.environ, **stand_ins, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cell = json.loads((tmp_path / "c.json").read_text())["cells"][0]
    assert cell["fold"] == 1
    assert f"{cell['linear']['accuracy']:.3f}" in done.stdout.splitlines()[-1]

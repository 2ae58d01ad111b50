"""Study configs: what they mean, and what is refused; the Slurm launcher with a stand-in for sbatch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import ROOT
from study_configs import PRETRAIN, tiny_study, write_study

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.study.plan import Split, read_study
from mmgaitemo.study.store import read_lines

SBATCH = """#!/usr/bin/env python3
# A stand-in for sbatch: runs the array's tasks one after another, as Slurm would, and answers like it.
import os, re, subprocess, sys
script = open(sys.argv[-1]).read()
first, last = map(int, re.search(r"--array=(\\d+)-(\\d+)", script).groups())
for task in range(first, last + 1):
    subprocess.run(["bash", sys.argv[-1]], env={**os.environ, "SLURM_ARRAY_TASK_ID": str(task)}, check=True)
print("Submitted batch job 42")
"""


def test_jobs_go_seed_by_seed_and_what_is_not_random_runs_once(tmp_path: Path) -> None:
    methods = {"ssal": {"pretrain": PRETRAIN}, "hand": {"kinematics": PRETRAIN}}
    study = read_study(write_study(tmp_path, methods=methods, seeds=[3, 4], reference="hand"))
    assert [str(job) for job in study.jobs()] == [
        "ssal/fold0_seed3",
        "hand/fold0_seed3",
        "ssal/fold1_seed3",
        "hand/fold1_seed3",
        "ssal/fold0_seed4",
        "ssal/fold1_seed4",
    ]


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
        ({"reference": "nobody"}, "study.reference: no such method"),
        ({"methods": {"a b": {"pretrain": PRETRAIN}}}, "needs names of letters"),
        ({"methods": {}}, "needs names of letters"),
        ({"methods": {"ssal": {"title": "no config"}}}, "needs one of"),
        ({"methods": {"ssal": {"pretrain": PRETRAIN, "untrained": PRETRAIN}}}, "needs one of"),
        ({"methods": {"ssal": {"pretrain": "nowhere.py"}}}, "no such config"),
        ({"methods": {"ssal": {"pretrain": PRETRAIN, "protocols": ["other"]}}}, "no such protocol"),
        ({"methods": {"ssal": {"pretrain": PRETRAIN, "epochs": 3}}}, r"unknown \['epochs'\]"),
        ({"protocols": {"knn": {"type": "Nearest"}}}, "has no such type"),
        ({"protocols": {"knn": {"type": "KNN", "neighbours": 3}}}, "the arguments do not fit"),
        ({"protocols": {"pretrain": {"type": "KNN"}}}, "'pretrain' is taken"),
        ({"comparisons": [("ssal/linear", "ssal/finetune")]}, "is no pair of METHOD/PROTOCOL"),
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


def test_damaged_cells_are_named_and_a_torn_last_line_is_not_one(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    path.write_text('{"method": "a"}\n')
    with pytest.raises(DataError, match="line 1: is no finished cell"):
        read_lines(path)
    path.write_text('{"method": "a", "prot')
    assert read_lines(path) == []


def test_a_downstream_config_is_no_method(tmp_path: Path) -> None:
    methods = {"linear": {"pretrain": str(ROOT / "configs/downstream/linear_synthgait.py"), "changes": {}}}
    config = tmp_path / "study.py"
    config.write_text(f"study = {tiny_study(methods=methods, reference='linear', changes={})!r}")
    command = [sys.executable, str(ROOT / "tools/study.py"), str(config), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is no pre-training config" in done.stderr
    assert not (tmp_path / "out/study.json").exists()


def test_slurm_gets_one_array_and_its_cells_are_collected(tmp_path: Path) -> None:
    stand_in = tmp_path / "bin/sbatch"
    stand_in.parent.mkdir()
    stand_in.write_text(SBATCH)
    stand_in.chmod(0o755)
    methods = {"untrained": {"untrained": PRETRAIN}}
    path, out = write_study(tmp_path, splits=[0], methods=methods), tmp_path / "with space"
    command = [sys.executable, str(ROOT / "tools/study.py"), str(path), "--out", str(out)]
    command += ["--encoders", str(tmp_path / "encoders"), "--jobs", "8"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    done = subprocess.run([*command, "--launcher", "slurm"], capture_output=True, text=True, env=environment)
    assert "Submitted batch job 42" in done.stdout, done.stderr
    assert "--array=0-0%8" in (out / "work/array/array.sbatch").read_text()
    assert read_lines(out / "cells.jsonl") == []
    collected = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert collected.returncode == 0, collected.stderr
    assert len(read_lines(out / "cells.jsonl")) == 2
    assert "jobs to run" not in collected.stdout


def test_slurm_without_sbatch_says_so(tmp_path: Path) -> None:
    path = write_study(tmp_path, methods={"untrained": {"untrained": PRETRAIN}})
    command = [sys.executable, str(ROOT / "tools/study.py"), str(path), "--out", str(tmp_path / "out")]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([*command, "--launcher", "slurm"], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "there is no sbatch here" in done.stderr

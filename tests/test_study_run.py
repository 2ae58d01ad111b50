"""Running a study: the driver, its jobs and Slurm's, with stand-ins that finish a job at once or fail."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest
from mmengine.logging import MMLogger
from runs import ROOT
from study_configs import CHANGES, PRETRAIN, opened, run_missing, write_study

from mmgaitemo.errors import ConfigError, DataError, TrainingError
from mmgaitemo.study.encoders import _turn
from mmgaitemo.study.launch import submit
from mmgaitemo.study.lines import read_lines
from mmgaitemo.study.store import Store, alone_in
from mmgaitemo.work_dir import only_run_in

TOOL = ROOT / "tools/study.py"
# A job that leaves the lines that were prepared for it, or fails as the tools do, with a word after the error.
JOB = """
import pathlib, shutil, sys
prepared, out, words = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
job = words[words.index("--job") + 1]
(prepared / "called.txt").open("a").write(" ".join(words) + "\\n")
if not (prepared / job).is_dir():
    sys.exit("first\\nerror: it: is broken. Remedy: mend it.\\nlast words")
shutil.copytree(prepared / job, out / "work" / job, dirs_exist_ok=True)
"""
SBATCH = """#!/bin/sh
# A stand-in for sbatch: runs the first task and answers like it.
SLURM_ARRAY_TASK_ID=0 bash "$1" || exit 1
echo Submitted batch job 42
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/study.py, without its signal handlers."""
    spec = importlib.util.spec_from_file_location("study_tool", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.end_cleanly = lambda: None
    return module


@pytest.fixture(autouse=True)
def _same_log_level() -> Iterator[None]:
    logger = MMLogger.get_current_instance()
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished study."""
    folder = tmp_path_factory.mktemp("finished")
    store = opened(folder / "out", write_study(folder))
    run_missing(store, folder / "encoders")
    return store


@pytest.fixture
def prepared(finished: Store, tmp_path: Path) -> Path:
    """What ``JOB`` leaves: the lines of one of the two jobs; the other fails."""
    folder = tmp_path / "prepared" / "untrained/fold0_seed0"
    folder.mkdir(parents=True)
    lines = finished.out / "work/untrained/fold0_seed0/lines.jsonl"
    (folder / "lines.jsonl").write_bytes(lines.read_bytes())
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path / "prepared"


@pytest.fixture
def run(tool: ModuleType, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The command, in this process, with ``JOB`` for its jobs."""
    stand_in = [sys.executable, "-S", str(tmp_path / "job.py"), str(prepared), str(tmp_path / "out")]
    monkeypatch.setattr(tool, "job_command", lambda *_: stand_in)
    path = write_study(tmp_path)

    def call(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["study.py", str(path), "--out", str(tmp_path / "out"), *words])
        tool.main()

    return call


def test_a_failed_job_is_reported_once_and_the_others_go_on(
    run: Callable[..., None], prepared: Path, finished: Store, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    with pytest.raises(TrainingError, match=r"1 jobs are not finished. Found: ssal/fold0_seed0 \(knn, linear, pretr"):
        run("--jobs", "8")
    said = capfd.readouterr()
    accuracies = {line["protocol"]: line["metrics"]["accuracy"] for line in read_lines(tmp_path / "out/cells.jsonl")}
    figures = f"knn {accuracies['knn']:.3f}, linear {accuracies['linear']:.3f}; about "
    assert f"untrained/fold0_seed0: {figures}" in said.out
    assert said.out.count("failed with code 1: it: is broken. Remedy: mend it. (") == 1
    assert "last words" not in said.out
    assert "2 jobs to run, 0 cells finished" in said.out
    assert "with 2 jobs at a time" in said.out  # no more than there are
    assert "2 cells in" in said.out
    called = [words.split() for words in (prepared / "called.txt").read_text().splitlines()]
    assert {words[words.index("--parent") + 1] for words in called} == {str(os.getpid())}
    assert {words[words.index("--expect") + 1] for words in called} == {one.whole for one in finished.jobs.values()}
    run("--methods", "untrained")  # nothing is left of it
    assert len((prepared / "called.txt").read_text().splitlines()) == 2


def test_a_job_whose_config_was_edited_since_is_refused(finished: Store, tool: ModuleType, tmp_path: Path) -> None:
    ((job, identity), _) = finished.jobs.items()
    tool.run_one(finished.study, str(job), identity.whole, finished.out, tmp_path)
    with pytest.raises(ConfigError, match="changed after the study was started"):
        tool.run_one(finished.study, str(job), "another", finished.out, tmp_path)
    with pytest.raises(ConfigError, match="no such job"):
        tool.run_one(finished.study, "ssal/fold7_seed0", None, finished.out, tmp_path)


def test_slurm_gets_an_array_with_files_of_its_own(
    run: Callable[..., None], prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, sbatch = tmp_path / "out", tmp_path / "bin/sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(SBATCH)
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}:{os.environ['PATH']}")
    run("--launcher", "slurm", "--jobs", "8", "--methods", "untrained")
    (script,) = out.glob("work/array/*/array.sbatch")
    assert "--array=0-0%8" in script.read_text()
    assert read_lines(out / "cells.jsonl") == []
    assert "--parent" not in (prepared / "called.txt").read_text()  # a task outlives the command that submitted it
    run("--launcher", "slurm", "--methods", "untrained")  # all is there: collected, and no empty array
    assert len(read_lines(out / "cells.jsonl")) == 2
    assert [*out.glob("work/array/*/array.sbatch")] == [script]
    listed = (script.parent / "jobs.txt").read_text()
    with pytest.raises(ConfigError, match="refuses the array"):  # its task fails here, at once
        run("--launcher", "slurm")
    assert len([*out.glob("work/array/*")]) == 2
    assert (script.parent / "jobs.txt").read_text() == listed
    assert listed.split()[0] == "untrained/fold0_seed0"


def test_slurm_without_sbatch_says_so(finished: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="there is no sbatch here"):
        submit(["job"], finished, finished.todo(), 1)


def test_a_damaged_ledger_is_found_before_jobs_run(run: Callable[..., None], prepared: Path, tmp_path: Path) -> None:
    write_study(tmp_path, ledger="ledger.jsonl")
    (tmp_path / "ledger.jsonl").write_text('{"recipe": "a"}\n{"rec')
    with pytest.raises(DataError, match=r"ledger.jsonl, line 2"):
        run()
    assert not (prepared / "called.txt").exists()


def test_an_encoder_that_is_being_made_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ExitStack()
    other.enter_context(only_run_in(tmp_path))
    monkeypatch.setattr("mmgaitemo.study.encoders.time.sleep", lambda _: other.close())  # meanwhile it is made
    with _turn(tmp_path), pytest.raises(ConfigError, match="another run"), only_run_in(tmp_path):
        pass


def test_a_file_in_the_place_of_a_folder_is_refused(run: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--encoders: is a file"):
        run("--encoders", str(tmp_path / "file"))
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="--out: is a file"):
        run()


def test_killed_without_a_word_and_resumed_without_running_anything_twice(tmp_path: Path) -> None:
    slow = {**CHANGES, "train_cfg.max_epochs": 40}
    methods = {"untrained": {"untrained": PRETRAIN}, "ssal": {"pretrain": PRETRAIN, "changes": slow}}
    path, out, encoders = write_study(tmp_path, methods=methods), tmp_path / "out", tmp_path / "encoders"
    store = opened(out, path)
    run_missing(store, encoders, ["untrained"])
    first, before = store.cells.read_text(), {*encoders.iterdir()}
    command = [sys.executable, str(TOOL), str(path), "--out", str(out), "--encoders", str(encoders)]
    log = out / "work/ssal/fold0_seed0/log.txt"
    with (tmp_path / "driver.txt").open("wb") as said:
        process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 120
        while not (log.exists() and b"Epoch(train)" in log.read_bytes()):
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "driver.txt").read_text()
            time.sleep(0.1)
        with pytest.raises(ConfigError, match=r"a study is running in it\. Found: process"), alone_in(out):
            pass
    finally:
        process.kill()
        process.wait()
    assert "instead of" not in (tmp_path / "driver.txt").read_text()  # the note on every reading of a changed config
    (encoder,) = {*encoders.iterdir()} - before
    while True:  # until the job is gone too, which holds the folder of its encoder
        try:
            with only_run_in(encoder):
                break
        except ConfigError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert not (encoder / "pretrain.json").exists()
    assert store.cells.read_text() == first
    store = opened(out, path)
    assert [str(todo.job) for todo in store.todo()] == ["ssal/fold0_seed0"]
    run_missing(store, encoders)
    assert store.todo() == []
    assert [json.dumps(line) for line in read_lines(store.cells)][:2] == first.splitlines()

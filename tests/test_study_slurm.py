"""A study as a Slurm array: names with spaces and signs reach the jobs unchanged, and no job is submitted twice."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from study_configs import PRETRAIN, opened, write_study

from mmgaitemo.errors import ConfigError
from mmgaitemo.study.launch import submit
from mmgaitemo.study.store import Store

# Runs the first task and answers like sbatch.
SBATCH = 'SLURM_ARRAY_TASK_ID=0 bash "$1" || exit 1\necho Submitted batch job 42'
WEIRD = "we \"ird$HOME `x` \\ 'y' *"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes a program of the cluster."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()

    def make(name: str, text: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A study of two jobs, none of them run, in a folder with a name of many signs."""
    (tmp_path / "study").mkdir()
    methods = {"untrained": {"untrained": PRETRAIN}}
    return opened(tmp_path / "o u't$HOME #5%a", write_study(tmp_path / "study", methods=methods, seeds=[0, 1]))


def test_names_reach_sbatch_and_the_job_as_they_are(store: Store, program: Callable, tmp_path: Path) -> None:
    program("sbatch", SBATCH)
    store.study = dataclasses.replace(store.study, name="two words #1")
    job = tmp_path / "job.py"
    job.write_text("import json, sys\nopen(sys.argv[1], 'w').write(json.dumps(sys.argv[2:]))")
    assert submit([sys.executable, "-S", str(job), str(tmp_path / "said"), WEIRD], store, store.todo(), 3)
    first = store.todo()[0]
    words = json.loads((tmp_path / "said").read_text())
    assert words == [WEIRD, "--job", str(first.job), "--expect", first.identity.whole]
    (script,) = store.out.glob("work/array/*/array.sbatch")
    options = [line.removeprefix("#SBATCH ") for line in script.read_text().splitlines() if line.startswith("#SBATCH")]
    found = [shlex.split(line) for line in options]  # sbatch takes quotes as a shell does
    folder = str(script.parent.resolve()).replace("%", "%%")  # %a is the number of the task, %% a %
    assert [["--job-name=two words #1"], ["--array=0-1%3"], [f"--output={folder}/%a.txt"]] == found[:3]
    assert "#5%%a/work" in found[2][0]


@pytest.mark.parametrize("sign", ['"', "\n", "\\"])
def test_names_that_sbatch_would_misread_are_refused(store: Store, program: Callable, sign: str) -> None:
    program("sbatch", SBATCH)
    out = store.out
    for store.out, name in ((out / sign, "tiny"), (out, f"a{sign}b")):
        store.study = dataclasses.replace(store.study, name=name)
        with pytest.raises(ConfigError, match="sbatch would misread"):
            submit(["true"], store, store.todo(), 1)
        assert not (store.out / "work").exists()


def test_jobs_that_still_wait_are_not_submitted_again(
    store: Store, program: Callable, capsys: pytest.CaptureFixture
) -> None:
    first, second = ([entry] for entry in store.todo())
    program("sbatch", "echo Submitted batch job 42")
    program("squeue", '[ "$*" = "-h -j 42" ] && echo 42_[0-1] PD')
    submit(["true"], store, first, 1)
    submit(["true"], store, second, 1)  # other jobs
    arrays = [*store.out.glob("work/array/*")]
    with pytest.raises(ConfigError, match=r"still waits or runs. Found: 'Submitted batch job 42', 20.*scancel 42"):
        submit(["true"], store, first + second, 1)
    assert [*store.out.glob("work/array/*")] == arrays
    assert capsys.readouterr().out == ""
    for ended in ("true", "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1"):
        program("squeue", ended)
        submit(["true"], store, first, 1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("answer", "squeue", "why"),
    [
        ("Submitted batch job 42", None, "no squeue"),
        ("Submitted batch job 42", "echo cannot reach the controller >&2; exit 1", "cannot reach the controller"),
        ("Submitted batch job 42 on cluster other", "echo Invalid job id >&2; exit 1", "no squeue for it"),
    ],
)
def test_what_may_still_wait_is_said_where_nobody_can_be_asked(
    store: Store, program: Callable, capsys: pytest.CaptureFixture, answer: str, squeue: str | None, why: str
) -> None:
    program("sbatch", f"echo {answer}")
    if squeue is not None:
        program("squeue", squeue)
    submit(["true"], store, store.todo(), 1)
    assert capsys.readouterr().out == ""
    submit(["true"], store, store.todo(), 1)
    said = capsys.readouterr().out
    assert f"submitted before: '{answer}', 20" in said and why in said

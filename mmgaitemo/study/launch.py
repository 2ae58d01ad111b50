"""Running the jobs of a study: side by side on this machine, or as a Slurm job array."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import datetime
from pathlib import Path

from mmgaitemo.errors import ConfigError
from mmgaitemo.study.job import Todo
from mmgaitemo.study.plan import Job
from mmgaitemo.study.store import Store, job_folder

BATCH = """#!/usr/bin/env bash
#SBATCH --job-name="{name}"
#SBATCH --array=0-{last}%{jobs}
#SBATCH --output="{logs}/%a.txt"
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
export OMP_NUM_THREADS=1
read -r job hash < <(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {listed})
exec {command} --job "$job" --expect "$hash"
"""


def run_here(command: list[str], store: Store, todo: list[Todo], jobs: int) -> None:
    """Run what is missing, so many jobs at a time with one thread each, and print a line for each that ends.

    A job that fails leaves the others alone. Interrupted, the running jobs are ended and their finished lines kept.
    """
    running: dict[Job, subprocess.Popen] = {}
    begin = time.perf_counter()
    pool = ThreadPoolExecutor(jobs)
    futures: dict[Future[str | None], Job] = {
        pool.submit(_run, command, entry, job_folder(store.out, entry.job), running): entry.job for entry in todo
    }
    try:
        for done, future in enumerate(as_completed(futures), 1):
            store.merge()
            job, failure = futures[future], future.result()
            left = (time.perf_counter() - begin) / done * (len(todo) - done)
            told = f"{job} {failure}" if failure else f"{job}: {store.accuracies(job)}"
            print(f"[{done}/{len(todo)}] {told}; about {duration(left)} left", flush=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running.values()):
            process.kill()
        pool.shutdown()
        store.merge()


def _run(command: list[str], todo: Todo, folder: Path, running: dict[Job, subprocess.Popen]) -> str | None:
    """Run one job in a process of its own; why it failed, None where it did not."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "log.txt"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    words = ["--job", str(todo.job), "--expect", todo.identity.whole, "--parent", str(os.getpid())]
    with path.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen([*command, *words], stdout=log, stderr=log, env=environment)
        running[todo.job] = process
        code = process.wait()
        del running[todo.job]
    if code == 0:
        return None
    lines = path.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    told = [line for line in lines if line.startswith("error:")] or lines
    return f"failed with code {code}: {' '.join(told[-1:]).removeprefix('error:').strip()} ({path})"


def end_with(parent: int) -> None:
    """End this process, as SIGTERM does, when its parent is gone: a driver that is killed leaves no job behind.

    A thread looks every second. Linux's own signal for this comes when the *thread* that started a process ends.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def submit(command: list[str], store: Store, todo: list[Todo], jobs: int) -> str:
    """Hand what is missing to Slurm as one job array, so many at a time; what ``sbatch`` answers.

    Raises:
        ConfigError: There is no ``sbatch``, or it refuses, or cannot be told a name; or an earlier array still has some
            of these jobs to run.
    """
    if shutil.which("sbatch") is None:
        raise ConfigError("--launcher slurm", "there is no sbatch here", remedy="start it on a login node of a cluster")
    arrays = (store.out / "work" / "array").resolve()
    if strange := [text for text in (store.study.name, str(arrays)) if re.search(r'["\\\n]', text)]:
        raise ConfigError(
            "--launcher slurm",
            "sbatch would misread a double quote, backslash or line break",
            found=repr(strange[0]),
            remedy="rename the config, or pass --out with another folder",
        )
    lines = [f"{entry.job} {entry.identity.whole}" for entry in todo]
    _check_earlier(arrays, lines)
    arrays.mkdir(parents=True, exist_ok=True)
    # A folder of its own: tasks of an earlier array may still wait, and read their list when they begin.
    folder = Path(tempfile.mkdtemp(prefix=f"{datetime.now():%Y%m%d_%H%M%S}_", dir=arrays))
    listed, script = folder / "jobs.txt", folder / "array.sbatch"
    listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    content = BATCH.format(
        name=store.study.name,
        last=len(todo) - 1,
        jobs=jobs,
        logs=str(folder).replace("%", "%%"),
        listed=shlex.quote(str(listed)),
        command=shlex.join(command),
    )
    script.write_text(content, encoding="utf-8")
    done = subprocess.run(["sbatch", str(script)], capture_output=True, text=True)
    if done.returncode:
        raise ConfigError("sbatch", "refuses the array", found=done.stderr.strip(), remedy=f"see {script}")
    (folder / "submitted.txt").write_text(done.stdout, encoding="utf-8")
    return done.stdout.strip()


def _check_earlier(arrays: Path, lines: list[str]) -> None:
    """Refuse jobs that an earlier array still has to run; where nobody can be asked whether it has, say so."""
    for path in sorted(arrays.glob("*/submitted.txt")):
        if not {*(path.parent / "jobs.txt").read_text(encoding="utf-8").splitlines()} & {*lines}:
            continue
        answer = path.read_text(encoding="utf-8").strip()
        known = re.fullmatch(r"Submitted batch job (\d+)", answer)
        said, trouble = "", "no squeue for it here"
        if known and shutil.which("squeue"):
            asked = subprocess.run(["squeue", "-h", "-j", known[1]], capture_output=True, text=True)
            said, trouble = asked.stdout.strip(), asked.stderr.strip()
            if not said and (asked.returncode == 0 or "Invalid job id" in trouble):  # it has ended
                continue
        when = f"{answer!r}, {datetime.fromtimestamp(path.stat().st_mtime):%Y-%m-%d %H:%M}"
        if said:
            raise ConfigError(
                "--launcher slurm",
                "an array with some of these jobs still waits or runs",
                found=when,
                remedy=f"wait for it, or scancel {known[1] if known else answer}",
            )
        print(f"some of these jobs were submitted before: {when}; whether they still wait is not known ({trouble})")


def job_command(tool: str, config: str, out: Path, encoders: Path) -> list[str]:
    """The command line of one job, but for its name."""
    return [sys.executable, tool, config, "--out", str(out), "--encoders", str(encoders)]


def duration(seconds: float) -> str:
    """In words: minutes, and hours where there are any."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"

"""Running the jobs of a study: side by side on this machine, or as a Slurm job array."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.study.plan import Job
from mmgaitemo.study.store import Store, job_folder

BATCH = """#!/usr/bin/env bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}%{jobs}
#SBATCH --output={log}/%a.txt
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
export OMP_NUM_THREADS=1
job=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "{listed}")
exec {command} --job "$job"
"""


def run_here(command: list[str], store: Store, jobs: int, methods: list[str] | None) -> list[str]:
    """Run what is missing, so many jobs at a time with one thread each; what failed, in words.

    A job that fails leaves the others alone. Interrupted, the running jobs are ended and their finished lines kept.
    """
    failed: list[str] = []
    todo = [entry.job for entry in store.todo() if methods is None or entry.job.method in methods]
    running: dict[Job, subprocess.Popen] = {}
    begin = time.perf_counter()
    pool = ThreadPoolExecutor(jobs)
    futures: dict[Future[None], Job] = {
        pool.submit(_run, command, job, job_folder(store.out, job), running): job for job in todo
    }
    try:
        for done, future in enumerate(as_completed(futures), 1):
            try:
                future.result()
            except TrainingError as error:
                failed.append(str(error))
                print(f"failed: {error}", flush=True)
            store.merge()
            left = (time.perf_counter() - begin) / done * (len(todo) - done)
            print(f"[{done}/{len(todo)}] {futures[future]}; about {duration(left)} left", flush=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running.values()):
            process.kill()
        pool.shutdown()
        store.merge()
    return failed


def _run(command: list[str], job: Job, folder: Path, running: dict[Job, subprocess.Popen]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen([*command, "--job", str(job)], stdout=log, stderr=log, env=environment)
        running[job] = process
        code = process.wait()
        del running[job]
    if code:
        last = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise TrainingError(
            str(folder / "log.txt"),
            f"{job} ended with code {code}",
            found=" ".join(last),
            remedy="mend it, start again",
        )


def submit(command: list[str], store: Store, jobs: int, methods: list[str] | None) -> str:
    """Hand what is missing to Slurm as one job array, so many at a time; what ``sbatch`` answers.

    Raises:
        ConfigError: There is no ``sbatch``, or it refuses.
    """
    if shutil.which("sbatch") is None:
        raise ConfigError("--launcher slurm", "there is no sbatch here", remedy="start it on a login node of a cluster")
    work = store.out / "work"
    todo = [str(entry.job) for entry in store.todo() if methods is None or entry.job.method in methods]
    (work / "array").mkdir(parents=True, exist_ok=True)
    listed, script = work / "array" / "jobs.txt", work / "array" / "array.sbatch"
    listed.write_text("".join(f"{job}\n" for job in todo), encoding="utf-8")
    quoted = " ".join(f'"{word}"' for word in command)
    name, last = store.study.name, len(todo) - 1
    script.write_text(
        BATCH.format(name=name, last=last, jobs=jobs, log=work / "array", listed=listed.resolve(), command=quoted),
        encoding="utf-8",
    )
    done = subprocess.run(["sbatch", str(script)], capture_output=True, text=True)
    if done.returncode:
        raise ConfigError("sbatch", "refuses the array", found=done.stderr.strip(), remedy=f"see {script}")
    return done.stdout.strip()


def job_command(tool: str, config: str, out: Path, encoders: Path) -> list[str]:
    """The command line of one job, but for its name."""
    return [sys.executable, tool, config, "--out", str(out), "--encoders", str(encoders)]


def duration(seconds: float) -> str:
    """In words: minutes, and hours where there are any."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"

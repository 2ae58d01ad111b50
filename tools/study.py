r"""Run a study: methods x protocols x folds x seeds, as independent jobs; finished cells are never run again.

MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/baselines_egait.py --jobs 4 \
    --out docs/results/baselines_egait
python tools/analysis/report.py docs/results/baselines_egait

Stop it and start it again as often as you like. On a cluster add --launcher slurm: it submits a job array and returns;
the same command without it, later, collects what the array has finished and runs what it has not.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from mmgaitemo.cli import end_cleanly, plain_errors
from mmgaitemo.errors import ConfigError, GaitError, TrainingError
from mmgaitemo.memory import keep_freed_memory
from mmgaitemo.study.cost import seconds_of_encoder
from mmgaitemo.study.job import Todo, run_job
from mmgaitemo.study.launch import duration, end_with, job_command, run_here, submit
from mmgaitemo.study.ledger import append_readings, known_readings
from mmgaitemo.study.plan import Study
from mmgaitemo.study.reading import read_study
from mmgaitemo.study.store import Store, alone_in, job_folder, todo_of


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="study config, e.g. configs/studies/smoke.py")
    parser.add_argument("--out", required=True, help="folder of the study: finished cells, logs, scores")
    parser.add_argument("--jobs", type=int, default=1, help="jobs at a time, one thread each")
    parser.add_argument("--launcher", choices=("none", "slurm"), default="none", help="slurm: submit a job array")
    parser.add_argument("--encoders", default="work_dirs/encoders", help="where trained encoders are kept and shared")
    parser.add_argument("--methods", nargs="+", help="run the jobs of these methods only")
    parser.add_argument("--job", help="run this one job in this process (METHOD/SPLIT_SEED; what the launchers call)")
    parser.add_argument("--expect", help="of the launchers: the job's hash when it was planned; another is refused")
    parser.add_argument("--parent", type=int, help="of the launchers: end when this process, the parent, has ended")
    return parser.parse_args()


def commit() -> str:
    """The commit of the code, with a + where it was changed since; "unknown" outside of a repository."""
    where = str(Path(__file__).resolve().parent)
    try:
        name = subprocess.run(["git", "-C", where, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run(["git", "-C", where, "status", "--porcelain", "-uno"], capture_output=True, text=True)
    except OSError:
        return "unknown"
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "") if name.returncode == 0 else "unknown"


def run_one(study: Study, name: str, expected: str | None, out: Path, encoders: Path) -> None:
    """One job, in this process.

    Raises:
        ConfigError: The study has no such job, or its settings or data are not those of the hash.
    """
    jobs = {str(job): job for job in study.jobs()}
    if name not in jobs:
        raise ConfigError("--job", "no such job in this study", found=name, remedy=f"such as {next(iter(jobs))}")
    torch.set_num_threads(1)
    keep_freed_memory()
    todo = todo_of(out, study, jobs[name])
    if expected not in (None, todo.identity.whole):
        raise ConfigError(
            name,
            "its config or its data were changed after the study was started",
            found=f"hash {todo.identity.whole}, planned {expected}",
            remedy="start the study again",
        )
    run_job(study, todo, job_folder(out, todo.job), encoders, commit())


def print_cost(store: Store, todo: list[Todo], jobs: int, kept: Path) -> None:
    """Say what is still to be done, before it is begun; the config of every encoder to train is tried on the way."""
    print(f"{store.study.title}: {len(todo)} jobs to run, {store.count()} cells finished ({store.study.purpose})")
    torch.set_num_threads(1)
    total = 0.0
    for name, count in store.to_train(todo, kept).items():
        try:
            seconds = seconds_of_encoder(store.study.methods[name], store.study.splits[0])
        except GaitError as error:
            raise ConfigError(
                f"study.methods.{name}",
                "its config, with the changes of the study, cannot be tried",
                found=error,
                remedy="correct it; nothing was run",
            ) from error
        total += seconds * count
        print(f"  {name}: {count} encoders of about {seconds:.0f} s on one thread")
    jobs = min(jobs, len(todo))
    print(
        f"  pre-training: about {duration(total / jobs)} with {jobs} jobs at a time; protocols come on top", flush=True
    )


def drive(
    store: Store, command: list[str], launcher: str, jobs: int, methods: list[str] | None, encoders: Path
) -> None:
    """Collect what is finished, then run what is missing.

    Raises:
        DataError: A file of the study is damaged.
        TrainingError: Something is still missing at the end.
    """
    known_readings(store.study)  # a damaged ledger is found before jobs run
    store.merge()
    store.describe(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    append_readings(store)  # what was finished or given up before now, should this be stopped
    if todo := store.todo(methods):
        print_cost(store, todo, jobs, encoders)
        if launcher == "slurm":
            print(submit(command, store, todo, jobs))
            return
        run_here(command, store, todo, jobs)
    append_readings(store)
    print(f"{store.count()} cells in {store.cells}; python tools/analysis/report.py {store.out}")
    if left := store.todo(methods):
        names = [f"{entry.job} ({', '.join(sorted(entry.missing))})" for entry in left]
        raise TrainingError(
            str(store.out),
            f"{len(left)} jobs are not finished",
            found=", ".join(names[:5]) + (", ..." if len(names) > 5 else ""),
            remedy="mend what they name above, start again",
        )


def main() -> None:
    """The command."""
    args = parse_args()
    end_cleanly()
    if args.parent is not None:
        end_with(args.parent)
    if args.jobs < 1:
        raise ConfigError("--jobs", "needs at least one job at a time", found=args.jobs, remedy="use 1 or more")
    if not args.out.strip():
        raise ConfigError("--out", "names no folder", found=repr(args.out), remedy="name one, such as work_dirs/study")
    out, encoders = Path(args.out), Path(args.encoders)
    for option, folder in (("--out", out), ("--encoders", encoders)):
        if folder.exists() and not folder.is_dir():
            raise ConfigError(option, "is a file, not a folder", found=folder, remedy="name another")
    if args.job is None:  # what is changed in a config stands in the logs of the jobs
        MMLogger.get_current_instance().setLevel("WARNING")
    study = read_study(args.config)
    init_default_scope("mmgaitemo")
    if unknown := set(args.methods or []) - set(study.asked_of):
        raise ConfigError("--methods", "no such method", found=sorted(unknown), remedy=f"use {[*study.asked_of]}")
    if args.job is not None:
        run_one(study, args.job, args.expect, out, encoders)
        return
    store = Store(out, study)
    with alone_in(out):
        command = job_command(str(Path(__file__).resolve()), args.config, out, encoders)
        drive(store, command, args.launcher, args.jobs, args.methods, encoders)


if __name__ == "__main__":
    with plain_errors("interrupted; the same command goes on"):
        main()

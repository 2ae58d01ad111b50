"""Pre-train, probe and compare over folds and seeds; finished cells are kept, so it can be stopped and started again.

For every fold and seed: SSL pre-training with its kNN probe (trained and untrained encoder) and, where their configs
are named, the linear probe of the trained and of the untrained encoder, and the supervised baseline. All through
tools/train.py, each the last epoch.

MMGAITEMO_EGAIT=/path/to/egait python tools/analysis/cross_validate.py --pretrain configs/ssal_egait.py \
    --linear configs/downstream/linear_egait.py --supervised configs/downstream/supervised_egait.py \
    --out docs/results/egait_own.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import numpy as np
import torch

from mmgaitemo.cli import load_complete, plain_errors
from mmgaitemo.config import load_config
from mmgaitemo.errors import ConfigError, DataError, TrainingError
from mmgaitemo.files import unfinished
from mmgaitemo.overrides import Overrides
from mmgaitemo.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "majority class": ("pretrain", "majority_accuracy", None, None),
    "kNN, untrained encoder": ("pretrain", "untrained_accuracy", None, None),
    "kNN, pre-trained encoder": ("pretrain", "knn/accuracy", "knn/balanced_accuracy", "knn/macro_f1"),
    "linear, untrained encoder": ("linear_untrained", "accuracy", "balanced_accuracy", "macro_f1"),
    "linear, pre-trained encoder": ("linear", "accuracy", "balanced_accuracy", "macro_f1"),
    "supervised, same encoder": ("supervised", "accuracy", "balanced_accuracy", "macro_f1"),
}


def threads_of_cell(jobs: int) -> str:
    """OMP_NUM_THREADS of each of so many cells at a time: as it is set, or such that all together fit the cores."""
    return os.environ.get("OMP_NUM_THREADS") or str(max(1, torch.get_num_threads() // jobs))


def train(config: str, work_dir: Path, threads: str, *arguments: str) -> dict[str, float]:
    """Run tools/train.py and return the metrics of the last epoch, the seconds and the seconds of a step.

    Raises:
        TrainingError: The run failed; says how it ended.
    """
    begin = time.time()
    command = [sys.executable, str(ROOT / "tools/train.py"), config, "--work-dir", str(work_dir), "--overwrite"]
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainingError(
            str(work_dir),
            f"{Path(config).name} failed with exit code {done.returncode}",
            found=last if last.startswith("error: ") else done.stderr[-3000:],
            remedy="mend that and start again: finished cells are kept",
        )
    log = sorted(work_dir.glob("*/vis_data/scalars.json"))[-1]
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    metrics = {name: value for name, value in entries[-1].items() if "accuracy" in name or "f1" in name}
    steps = [entry["time"] for entry in entries if "lr" in entry]
    return {**metrics, "seconds": round(time.time() - begin, 1), "median_step_seconds": float(np.median(steps))}


def run_cell(args: argparse.Namespace, fold: int, seed: int) -> dict[str, Any]:
    """All protocols of one fold and seed."""
    base = Path(args.work_dir) / f"fold{fold}_seed{seed}"
    options = ["--cfg-options", f"fold={fold}", f"randomness.seed={seed}", *words(args.cfg_options)]
    threads = threads_of_cell(args.jobs)
    cell: dict[str, Any] = {"fold": fold, "seed": seed, "threads": f"{threads} each for {args.jobs} cells at a time"}
    cell["pretrain"] = train(args.pretrain, base / "pretrain", threads, *options)
    if args.linear:
        checkpoint = (base / "pretrain" / "last_checkpoint").read_text(encoding="utf-8").strip()
        cell["linear"] = train(args.linear, base / "linear", threads, "--encoder", checkpoint, *options)
        untrained = ("--encoder", "untrained", *options)
        cell["linear_untrained"] = train(args.linear, base / "linear_untrained", threads, *untrained)
    if args.supervised:
        cell["supervised"] = train(args.supervised, base / "supervised", threads, *options)
    return cell


def words(options: dict[str, Any]) -> list[str]:
    """Overrides as they stand on a command line."""
    return [f"{key}={value}" for key, value in options.items()]


def table(cells: list[dict[str, Any]]) -> str:
    """Mean +- sd over the cells, as a Markdown table of the protocols that were run."""
    lines = ["| protocol | accuracy | balanced accuracy | macro-F1 | accuracy by fold |", "|---|---|---|---|---|"]
    folds = sorted({cell["fold"] for cell in cells})
    for title, (run, *names) in ROWS.items():
        if not all(names[0] in cell.get(run, {}) for cell in cells):
            continue
        columns = []
        for name in names:
            values = np.array([cell[run][name] for cell in cells]) if name else np.array([])
            columns.append(f"{values.mean():.3f} +- {values.std(ddof=1):.3f}" if len(values) > 1 else "")
        by_fold = [np.mean([cell[run][names[0]] for cell in cells if cell["fold"] == fold]) for fold in folds]
        lines.append(f"| {title} | {' | '.join(columns)} | {' '.join(f'{value:.3f}' for value in by_fold)} |")
    return "\n".join(lines)


def all_folds(args: argparse.Namespace) -> list[int]:
    """Every fold of the pre-training config's data set."""
    described = load_complete(args.pretrain, args.cfg_options).train_dataloader.dataset
    folds = getattr(DATASETS.build({**described, "lazy_init": True}), "num_folds", None)
    if folds is None:
        raise ConfigError(args.pretrain, "its data set does not say how many folds it has", remedy="pass --folds")
    return list(range(folds))


def read_study(args: argparse.Namespace) -> dict[str, Any]:
    """What is finished already, for the same configs.

    Raises:
        DataError: The file is damaged or cannot be written.
        ConfigError: It holds another study.
    """
    out = Path(args.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        study = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"cells": []}
        {(cell["fold"], cell["seed"]) for cell in study["cells"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            args.out, "holds no finished cells", found=repr(error), remedy="move it away, or name another --out"
        ) from None
    settings = {"pretrain": args.pretrain, "linear": args.linear, "supervised": args.supervised}
    settings["cfg_options"] = words(args.cfg_options)
    if study.setdefault("settings", settings) != settings:
        raise ConfigError(args.out, "holds another study", found=study["settings"], remedy="name another --out")
    return study


def run_missing(args: argparse.Namespace, study: dict[str, Any], missing: list[tuple[int, int]]) -> list[str]:
    """Run cells and write each down as it ends; the errors of those that failed."""
    out, failed = Path(args.out), []
    pool = ThreadPoolExecutor(args.jobs)
    running: dict[Future, tuple[int, int]] = {pool.submit(run_cell, args, *cell): cell for cell in missing}
    try:
        for future in as_completed(running):
            fold, seed = running[future]
            try:
                study["cells"] = sorted([*study["cells"], future.result()], key=lambda c: (c["seed"], c["fold"]))
            except TrainingError as error:
                failed.append(f"fold {fold}, seed {seed}: {error}")
                continue
            with unfinished(out) as partial:
                partial.write_text(json.dumps(study, indent=1), encoding="utf-8")
            print(f"fold {fold}, seed {seed} done", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pretrain", required=True, help="pre-training config")
    parser.add_argument("--linear", help="linear probe config")
    parser.add_argument("--supervised", help="supervised config")
    parser.add_argument("--folds", type=int, nargs="+", help="default: all of the pre-training config's data set")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", required=True, help="JSON file of finished cells")
    parser.add_argument("--work-dir", default="work_dirs/cross_validation")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time; they share the cores")
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, default={}, help="overrides for every run")
    args = parser.parse_args()
    if args.jobs < 1:
        raise ConfigError("--jobs", "needs at least one cell at a time", found=args.jobs, remedy="use 1 or more")
    for config in filter(None, (args.linear, args.supervised)):
        load_config(config, args.cfg_options)
    folds = args.folds or all_folds(args)
    study = read_study(args)
    study["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"
    done = {(cell["fold"], cell["seed"]) for cell in study["cells"]}
    wanted = [(fold, seed) for seed, fold in product(dict.fromkeys(args.seeds), dict.fromkeys(folds))]
    failed = run_missing(args, study, [cell for cell in wanted if cell not in done])
    if study["cells"]:
        print(table(study["cells"]))
    if failed:
        sys.exit("\n".join(f"error: {text}" for text in failed))


if __name__ == "__main__":
    with plain_errors():
        main()

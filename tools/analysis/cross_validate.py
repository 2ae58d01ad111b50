"""Pre-train, probe and compare over folds and seeds; finished cells are kept, so it can be stopped and started again.

For every fold and seed: SSL pre-training with its kNN probe (trained and untrained encoder), the linear probe of the
trained and of the untrained encoder, and the supervised baseline. All through tools/train.py, each the last epoch.

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
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]


def train(config: str, work_dir: Path, *arguments: str) -> dict[str, float]:
    """Run tools/train.py and return the metrics of the last epoch, the seconds and the training samples per second."""
    begin = time.time()
    command = [sys.executable, str(ROOT / "tools/train.py"), config, "--work-dir", str(work_dir), "--overwrite"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join([*command, *arguments])} failed:\n{done.stderr[-3000:]}")
    log = sorted(work_dir.glob("*/vis_data/scalars.json"))[-1]
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    metrics = {name: value for name, value in entries[-1].items() if "accuracy" in name or "f1" in name}
    steps = [entry["time"] for entry in entries if "lr" in entry]
    return {**metrics, "seconds": round(time.time() - begin, 1), "median_step_seconds": float(np.median(steps))}


def run_cell(args: argparse.Namespace, fold: int, seed: int) -> dict[str, Any]:
    """All protocols of one fold and seed."""
    base = Path(args.work_dir) / f"fold{fold}_seed{seed}"
    options = ["--cfg-options", f"fold={fold}", f"randomness.seed={seed}", *args.cfg_options]
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    cell: dict[str, Any] = {"fold": fold, "seed": seed, "threads": f"{threads} each for {args.jobs} cells at a time"}
    cell["pretrain"] = train(args.pretrain, base / "pretrain", *options)
    checkpoint = (base / "pretrain" / "last_checkpoint").read_text(encoding="utf-8").strip()
    cell["linear"] = train(args.linear, base / "linear", "--encoder", checkpoint, *options)
    cell["linear_untrained"] = train(args.linear, base / "linear_untrained", "--encoder", "untrained", *options)
    cell["supervised"] = train(args.supervised, base / "supervised", *options)
    return cell


def table(cells: list[dict[str, Any]]) -> str:
    """Mean +- sd over the cells, as a Markdown table."""
    rows = {
        "majority class": ("pretrain", "majority_accuracy", None, None),
        "kNN, untrained encoder": ("pretrain", "untrained_accuracy", None, None),
        "kNN, SSAL": ("pretrain", "knn/accuracy", "knn/balanced_accuracy", "knn/macro_f1"),
        "linear, untrained encoder": ("linear_untrained", "accuracy", "balanced_accuracy", "macro_f1"),
        "linear, SSAL": ("linear", "accuracy", "balanced_accuracy", "macro_f1"),
        "supervised, same encoder": ("supervised", "accuracy", "balanced_accuracy", "macro_f1"),
    }
    lines = ["| protocol | accuracy | balanced accuracy | macro-F1 | accuracy by fold |", "|---|---|---|---|---|"]
    for title, (run, *names) in rows.items():
        columns = []
        for name in names:
            values = np.array([cell[run][name] for cell in cells]) if name else np.array([])
            columns.append(f"{values.mean():.3f} +- {values.std(ddof=1):.3f}" if len(values) > 1 else "")
        folds = sorted({cell["fold"] for cell in cells})
        by_fold = [np.mean([cell[run][names[0]] for cell in cells if cell["fold"] == fold]) for fold in folds]
        lines.append(f"| {title} | {' | '.join(columns)} | {' '.join(f'{value:.3f}' for value in by_fold)} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pretrain", required=True, help="pre-training config")
    parser.add_argument("--linear", required=True, help="linear probe config")
    parser.add_argument("--supervised", required=True, help="supervised config")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", required=True, help="JSON file of finished cells")
    parser.add_argument("--work-dir", default="work_dirs/cross_validation")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time; set OMP_NUM_THREADS too")
    parser.add_argument("--cfg-options", nargs="*", default=[], help="overrides for every run")
    args = parser.parse_args()
    out = Path(args.out)
    study: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {"cells": []}
    settings = {"pretrain": args.pretrain, "linear": args.linear, "supervised": args.supervised}
    settings["cfg_options"] = args.cfg_options
    if study.setdefault("settings", settings) != settings:
        sys.exit(f"error: {out} holds another study: {study['settings']}. Remedy: name another --out")
    study["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"
    done = {(cell["fold"], cell["seed"]) for cell in study["cells"]}
    missing = [(fold, seed) for seed, fold in product(args.seeds, args.folds) if (fold, seed) not in done]
    with ThreadPoolExecutor(args.jobs) as pool:
        for future in as_completed([pool.submit(run_cell, args, fold, seed) for fold, seed in missing]):
            cell = future.result()
            study["cells"] = sorted([*study["cells"], cell], key=lambda c: (c["seed"], c["fold"]))
            partial = out.with_name(out.name + ".partial")
            partial.write_text(json.dumps(study, indent=1), encoding="utf-8")
            os.replace(partial, out)
            print(f"fold {cell['fold']}, seed {cell['seed']} done", flush=True)
    print(table(study["cells"]))


if __name__ == "__main__":
    main()

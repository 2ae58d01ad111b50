"""Compare variants of a pre-training config: the same folds and seeds for each, kNN and linear probe, MACs and time.

A file of variants holds ``variants = dict(name=dict(...), ...)``, each what it changes in the config; an empty dict
changes nothing. A split is FOLD or FOLD/UNUSED: FOLD is validated on; what is chosen by it must not be tested on it, so
the test fold stands behind the slash and is never looked at. Finished cells are kept.

MMGAITEMO_EGAIT=/path/to/egait python tools/analysis/compare_variants.py configs/ssal_egait.py \
    --variants configs/studies/encoder_sizes.py --epochs 36 --splits 1/0 3/2 --seeds 0 1 2 --jobs 2 \
    --out docs/results/encoder_sizes_egait.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import torch
from mmengine.config import Config

from mmgaitemo.cli import end_cleanly, load_complete, plain_errors
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.evaluation.variants import run_cell, table
from mmgaitemo.files import unfinished


def split(text: str) -> tuple[int, int | None]:
    """FOLD or FOLD/UNUSED."""
    fold, *unused = (int(part) for part in text.split("/", 1))
    return fold, unused[0] if unused else None


def read_variants(path: str, only: list[str] | None) -> dict[str, dict[str, Any]]:
    """The variants of a file, or some of them.

    Raises:
        ConfigError: The file holds none, or not those.
    """
    if not Path(path).is_file():
        raise ConfigError(path, "no such file", remedy="name a Python file with variants = dict(name=dict(...), ...)")
    variants = Config.fromfile(path).get("variants")
    if not isinstance(variants, dict) or not all(isinstance(changes, dict) for changes in variants.values()):
        raise ConfigError(path, "holds no variants", remedy="write variants = dict(name=dict(...), ...)")
    if unknown := set(only or []) - set(variants):
        raise ConfigError(path, "no such variant", found=sorted(unknown), remedy=f"use names of {list(variants)}")
    return {name: changes.to_dict() for name, changes in variants.items() if not only or name in only}


def read_study(out: Path, config: str) -> dict[str, Any]:
    """What is finished already, for the same config.

    Raises:
        DataError: The file is damaged.
        ConfigError: It holds another study.
    """
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return {"config": config, "cells": []}
    try:
        study = json.loads(out.read_text(encoding="utf-8"))
        found, _ = study["config"], [_key(cell) for cell in study["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            str(out), "holds no finished cells", found=repr(error), remedy="move it away, or name another --out"
        ) from None
    if found != config:
        raise ConfigError(str(out), "holds another study", found=found, remedy="name another --out")
    return study


def _key(cell: dict[str, Any]) -> tuple:
    return cell["fold"], cell["unused"], cell["seed"], cell["variant"], cell["epochs"]


def main() -> None:
    """Run what is missing, then print the table."""
    end_cleanly()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="pre-training config")
    parser.add_argument("--variants", required=True, help="config file with the variants")
    parser.add_argument("--only", nargs="+", help="names of the variants to run; default: all")
    parser.add_argument("--epochs", type=int, required=True, help="of each pre-training")
    parser.add_argument("--splits", type=split, nargs="+", required=True, help="FOLD or FOLD/UNUSED")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time, one thread each")
    parser.add_argument("--out", required=True, help="JSON file of finished cells")
    args = parser.parse_args()
    if args.jobs < 1:
        raise ConfigError("--jobs", "needs at least one cell at a time", found=args.jobs, remedy="use 1 or more")
    variants = read_variants(args.variants, args.only)
    load_complete(args.config, {})
    order = {name: place for place, name in enumerate(read_variants(args.variants, None))}
    out = Path(args.out)
    study = read_study(out, args.config)
    study["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, one thread a cell"
    done = set(map(_key, study["cells"]))
    wanted = (
        dict(fold=fold, unused=unused, seed=seed, variant=name, epochs=args.epochs)
        for (fold, unused), seed, name in product(args.splits, args.seeds, variants)
    )
    # A process of its own for each cell: what one leaves behind (compiled code, memory) touches no other.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, mp_context=context, max_tasks_per_child=1) as pool:
        running = [
            pool.submit(run_cell, args.config, variants[cell["variant"]], cell)
            for cell in wanted
            if _key(cell) not in done
        ]
        try:
            for future in as_completed(running):
                finished = future.result()
                study["cells"].append(finished)
                study["cells"].sort(key=lambda cell: (cell["epochs"], order.get(cell["variant"], 0)))
                with unfinished(out) as partial:
                    partial.write_text(json.dumps(study, indent=1), encoding="utf-8")
                print(finished, flush=True)
        except BaseException:  # however it ends, no cell goes on unseen
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    print(table(study["cells"]))


if __name__ == "__main__":
    with plain_errors():
        main()

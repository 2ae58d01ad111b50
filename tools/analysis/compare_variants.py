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
from mmgaitemo.overrides import EFFECTIVE
from mmgaitemo.registry import DATASETS

OF_THE_STUDY = {"fold", "unused_fold", "randomness", "train_cfg"}


def split(text: str) -> tuple[int, int | None]:
    """FOLD or FOLD/UNUSED."""
    fold, *unused = (int(part) for part in text.split("/", 1))
    return fold, unused[0] if unused else None


def read_variants(path: str, only: list[str] | None) -> dict[str, dict[str, Any]]:
    """The variants of a file, or some of them.

    Raises:
        ConfigError: The file holds none, or not those, or one that changes what the study itself sets.
    """
    remedy = "name a Python file with variants = dict(name=dict(...), ...)"
    if not Path(path).is_file():
        raise ConfigError(path, "no such file", remedy=remedy)
    try:
        variants = Config.fromfile(path).get("variants")
    except Exception as error:  # it is run: anything can go wrong in it
        raise ConfigError(path, "cannot be read as a config", found=repr(error), remedy=remedy) from None
    if not isinstance(variants, dict) or not variants or not all(isinstance(v, dict) for v in variants.values()):
        raise ConfigError(path, "holds no variants", remedy="write variants = dict(name=dict(...), ...)")
    for name, changes in variants.items():
        if useless := set(changes) - (EFFECTIVE - OF_THE_STUDY):
            raise ConfigError(
                f"{path}, variant {name!r}",
                "changes what the study sets itself, or what nothing reads",
                found=sorted(useless),
                remedy=f"--epochs, --splits and --seeds set {sorted(OF_THE_STUDY)}; docs/configs.md lists the knobs",
            )
    if unknown := set(only or []) - set(variants):
        raise ConfigError(path, "no such variant", found=sorted(unknown), remedy=f"use names of {list(variants)}")
    return {name: changes.to_dict() for name, changes in variants.items() if not only or name in only}


def read_study(out: Path, config: str, variants: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What is finished already, for the same config and variants.

    Raises:
        DataError: The file is damaged.
        ConfigError: It holds another study.
    """
    written = {name: repr(changes) for name, changes in variants.items()}
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return {"config": config, "variants": written, "cells": []}
    try:
        study = json.loads(out.read_text(encoding="utf-8"))
        found, known = study["config"], dict(study["variants"])
        set(map(_key, study["cells"]))
        table(study["cells"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            str(out),
            "holds no finished cells",
            found=type(error).__name__,
            remedy="move it away, or name another --out",
        ) from None
    if found != config:
        raise ConfigError(str(out), "holds another study", found=found, remedy="name another --out")
    if others := [name for name in written.keys() & known.keys() if written[name] != known[name]]:
        raise ConfigError(
            str(out), "holds other variants of these names", found=sorted(others), remedy="name another --out"
        )
    return study | {"variants": known | written}


def check_splits(config: str, splits: list[tuple[int, int | None]]) -> None:
    """Find out before the first cell whether the data set has these folds.

    Raises:
        ConfigError: It has not, or the config is none of a pre-training.
    """
    cfg = load_complete(config, {})
    if "bank" not in (cfg.get("val_cfg") or {}):
        raise ConfigError(config, "is no pre-training config", remedy="use one of configs/ssal_*.py")
    for fold, unused in splits:
        dataset = cfg.train_dataloader.dataset
        DATASETS.build({**dataset, "fold": fold, "unused_fold": unused, "lazy_init": True})


def run_missing(
    missing: list[dict[str, Any]], args: argparse.Namespace, variants: dict[str, dict[str, Any]], study: dict[str, Any]
) -> list[str]:
    """Run cells and write each down as it ends; the errors of those that failed."""
    failed, order = [], {name: place for place, name in enumerate(variants)}
    # A process of its own for each cell: what one leaves behind (compiled code, memory) touches no other.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(run_cell, args.config, variants[cell["variant"]], cell): cell for cell in missing}
        try:
            for future in as_completed(running):
                try:
                    finished = future.result()
                except Exception as error:
                    failed.append(f"{running[future]}: {error}")
                    continue
                study["cells"].append(finished)
                study["cells"].sort(key=lambda cell: (cell["epochs"], order.get(cell["variant"], len(order))))
                with unfinished(Path(args.out)) as partial:
                    partial.write_text(json.dumps(study, indent=1), encoding="utf-8")
                print(finished, flush=True)
        except BaseException:  # however it ends, no cell goes on unseen
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    return failed


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
    for name, value in (("--jobs", args.jobs), ("--epochs", args.epochs)):
        if value < 1:
            raise ConfigError(name, "needs at least one", found=value, remedy="use 1 or more")
    variants = read_variants(args.variants, args.only)
    check_splits(args.config, args.splits)
    study = read_study(Path(args.out), args.config, variants)
    study["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, one thread a cell"
    wanted = [
        dict(fold=fold, unused=unused, seed=seed, variant=name, epochs=args.epochs)
        for (fold, unused), seed, name in product(args.splits, args.seeds, variants)
    ]
    done = set(map(_key, study["cells"]))
    failed = run_missing([cell for cell in wanted if _key(cell) not in done], args, variants, study)
    asked = set(map(_key, wanted))
    print(table([cell for cell in study["cells"] if _key(cell) in asked]))
    if failed:
        sys.exit("\n".join(f"error: {text}" for text in failed))


if __name__ == "__main__":
    with plain_errors():
        main()

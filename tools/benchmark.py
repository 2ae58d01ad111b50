"""Measure how fast the project is: against the public way of doing the same, and against the machine.

python tools/benchmark.py step --device cpu --threads 2 --json step.json --picture step.png
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryFile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

import torch

from mmgaitemo.benchmark.picture import draw_breakdown
from mmgaitemo.benchmark.table import describe
from mmgaitemo.cli import end_cleanly, plain_errors
from mmgaitemo.errors import ConfigError
from mmgaitemo.files import unfinished
from mmgaitemo.memory import keep_freed_memory

PARTS = {
    "views": "three views of a batch: on the device at once, or sample by sample in NumPy",
    "data": "batches of views on the device, against a loader with worker processes",
    "step": "a full step of pre-training against the AimCLR way, and where its time goes",
    "epoch": "epochs of a run: what is not learning, growth with the data, memory",
    "infer": "from a walk's positions to probabilities, and ONNX Runtime beside it",
    "study": "many runs: side by side, and many seeds in one process",
}
BATCHED, WITH_WORKERS = ("views", "data", "step"), ("data", "step")


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    for name, text in PARTS.items():
        part = parts.add_parser(name, help=text, description=text)
        part.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
        part.add_argument("--threads", type=_at_least_one, default=_cores(), help="threads; default: all cores")
        part.add_argument("--rounds", type=_at_least_one, default=5, help="timed rounds, all variants in turn")
        part.add_argument("--config", help="pre-training config; each part has a default")
        part.add_argument("--json", type=Path, help="file for the result")
        if name in BATCHED:
            part.add_argument("--batch", type=_at_least_two, default=128, help="walks in a batch")
        if name in WITH_WORKERS:
            part.add_argument("--workers", type=_at_least_one, default=4, help="processes of the reference's loader")
        if name == "step":
            part.add_argument("--compiled", action="store_true", help="compiled encoders too: minutes to start")
            part.add_argument("--picture", type=Path, help="PNG of where the time goes")
    return parser.parse_args()


def main() -> None:
    """Run one part, print its table and keep its result."""
    args = parse_args()
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("--device", "this machine has no such device", found=args.device, remedy="use --device cpu")
    picture = getattr(args, "picture", None)
    if args.json:
        check_output("--json", args.json)
    if picture:
        if picture.suffix.lower() != ".png":
            raise ConfigError("--picture", "pictures are PNG files", found=picture, remedy="end it in .png")
        check_output("--picture", picture)
    end_cleanly()
    keep_freed_memory()  # as tools/train.py; the reference gains by it too
    options = {name: getattr(args, name) for name in ("batch", "workers", "compiled") if hasattr(args, name)}
    part = importlib.import_module(f"mmgaitemo.benchmark.{args.part}")
    result = part.run(args.device, args.threads, args.rounds, args.config, **options)
    if args.json:
        with unfinished(args.json) as partial:
            partial.write_text(json.dumps(result, indent=1) + "\n")
    print(describe(result))
    if picture:
        draw_breakdown(picture, result)


def check_output(option: str, path: Path) -> None:
    """Find out before minutes of measuring whether a file can be written; makes its folder.

    Raises:
        ConfigError: It can not.
    """
    if path.is_dir():
        raise ConfigError(option, "is a folder", found=path, remedy="name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ConfigError(option, "cannot be written", found=error, remedy="name a file elsewhere") from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _at_least_two(text: str) -> int:
    if _at_least_one(text) < 2:
        raise argparse.ArgumentTypeError("a BatchNorm needs two walks at least")
    return int(text)


if __name__ == "__main__":
    with plain_errors():
        main()

"""Write a published model as one graph, from positions to probabilities, and check it against PyTorch.

python tools/deploy/export_onnx.py MODEL.pth --out model.onnx
python tools/deploy/export_onnx.py MODEL.pth --out model.pt2 --format pt2

The graph takes positions (walks, frames, joints, 3) in the model's joint order, up axis and frame rate, any number of
walks and frames, in any unit, and gives probabilities and distances from the training walks. Not inside are: joint
mapping, axes, frame rate, and finding gait cycles. A walk that Python would refuse (no trunk, no hips) gives NaN.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import torch

from mmgaitemo.apis.export import GaitGraph, read_onnx, read_program, traced, write_onnx, write_program
from mmgaitemo.apis.export_check import (
    BATCHES,
    LIMIT,
    PlainModel,
    batches_of,
    example_walks,
    largest_difference,
    latency,
)
from mmgaitemo.apis.published import load_published
from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.files import unfinished

FORMATS = {"onnx": (write_onnx, read_onnx), "pt2": (write_program, read_program)}


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="published model; default: the demonstration model")
    parser.add_argument("--out", required=True, type=Path, help="file to write, .onnx or .pt2")
    parser.add_argument("--format", choices=FORMATS, default="onnx", help="default: onnx")
    parser.add_argument("--gaits", type=Path, help="archive of walks to check on; default: synthetic walkers")
    return parser.parse_args()


def main() -> None:
    """Write beside, check, rename."""
    args = parse_args()
    if args.out.suffix != f".{args.format}":
        raise ConfigError("--out", f"must end in .{args.format}", found=args.out, remedy="or name another --format")
    published = load_published(args.model)
    graph, plain = GaitGraph(published).eval(), PlainModel(published)
    walks = example_walks(plain, args.gaits)
    write, read = FORMATS[args.format]
    with unfinished(args.out) as partial:
        write(traced(graph, torch.from_numpy(next(batches_of(walks, 2)))), graph.facts(), partial)
        run = read(partial)
        apart = {size: largest_difference(run, plain, walks, size) for size in BATCHES}
        if max(apart.values()) > LIMIT:
            raise DataError(
                str(args.out),
                f"is not written: the graph differs from PyTorch by more than {LIMIT:g}",
                found=", ".join(f"{value:.2g} in batches of {size}" for size, value in apart.items()),
                remedy="please report it, with the versions of torch, onnx and onnxruntime",
            )
        size_mb = partial.stat().st_size / 1e6
    print(
        f"{args.out} ({size_mb:.2f} MB): positions (N, T, {len(graph.skeleton.joints)}, 3), {graph.meta['rate']:g} Hz"
    )
    print(f"to be done before: {', '.join(graph.outside) or 'nothing else'}")
    print(f"checked on {len(walks)} walks; milliseconds a batch on {torch.get_num_threads()} thread(s):")
    print(f"{'batch':>6}{'largest difference':>21}{args.format:>9}{'Python':>9}")
    for size, value in apart.items():
        print(f"{size:>6}{value:>21.1e}{latency(run, walks, size):>9.2f}{latency(plain, walks, size):>9.2f}")


if __name__ == "__main__":
    with plain_errors():
        main()

"""What a published model makes of walks: a table, JSON and a picture for each recording.

python tools/infer.py walks.bvh more_walks --out predictions
python tools/infer.py walks.csv --rate 60 --up z --out predictions --model lab-1a2b3c4d.pth
sensor | python tools/infer.py --stream --rate 60 > predictions.jsonl

Without --model it is the demonstration model that comes with the package; it knows only synthetic walkers.

Files: BVH, gait archives and E-Gait's features (.h5), .npy, .npz, .csv, .json; folders are searched to the bottom.
DIR gets predictions.csv, predictions.json and a PNG for each recording, with --gif a GIF too; files of that name are
replaced. A file that cannot be read is reported, the others are finished, and the exit code is 1.

--stream reads frames from standard input, a JSON line each: [[x, y, z], ...] in the order of the layout, null in place
of a joint that is missing, or null alone where nobody is seen. For every gait cycle a JSON line is written. A line that
is no frame is reported and skipped.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too
# Read when PyTorch is loaded. Layers are small here: on a busy machine, threads that wait awake triple the time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.inputs import Said, TakeSource, open_inputs
from mmgaitemo.apis.pictures import animate_prediction, draw_prediction
from mmgaitemo.apis.prediction import GaitPrediction, table_row, write_json, write_table
from mmgaitemo.apis.stream import GaitStream, serve
from mmgaitemo.archive import UP_AXES
from mmgaitemo.cli import end_cleanly, plain_errors
from mmgaitemo.conversion.joint_map import presets
from mmgaitemo.errors import ConfigError

TABLE, FULL = "predictions.csv", "predictions.json"


def main() -> int:
    """Predict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", metavar="PATH", nargs="*", help="files, folders or patterns")
    parser.add_argument("--out", metavar="DIR", help="folder to write to")
    parser.add_argument("--model", metavar="PTH", help="published model; default: the demonstration model")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--skeleton", metavar="NAME", help="layout of tables without a column map, and of a stream")
    parser.add_argument("--rate", type=float, metavar="HZ", help="frame rate; goes before what a file says")
    parser.add_argument("--up", choices=UP_AXES, help="axis that points up; goes before what a file says")
    parser.add_argument("--columns", metavar="MAP", help="column map of tables, JSON (see generic.py --help)")
    parser.add_argument("--joint-map", metavar="MAP", help=f"joint map, JSON, or for BVH one of {presets()}")
    parser.add_argument("--gif", action="store_true", help="write each walk as an animation too")
    parser.add_argument("--stream", action="store_true", help="read frames from standard input")
    args = parser.parse_args()
    end_cleanly()
    if args.stream == bool(args.inputs) or args.stream == bool(args.out):
        raise ConfigError("arguments", "paths and --out belong together, or --stream alone", remedy="see --help")
    inferencer = GaitEmotionInferencer(args.model, args.device)
    said = inferencer.said(
        skeleton=args.skeleton, rate=args.rate, up=args.up, columns=args.columns, joint_map=args.joint_map
    )
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(Text(inferencer.note))
    if args.stream:
        if sys.stdin is None or sys.stdout is None:
            raise ConfigError("--stream", "standard input or output is closed", remedy="connect both")
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # bytes that are no text spoil their line alone
        stream = GaitStream(inferencer, said)
        serve(sys.stdin, sys.stdout, stream, lambda name, error: errors.print(Text(f"skipped  {name}: {error}")))
        return 0
    return predict_files(inferencer, said, args.inputs, Path(args.out), args.gif, errors)


def predict_files(
    inferencer: GaitEmotionInferencer, said: Said, inputs: list[str], out: Path, gif: bool, errors: Console
) -> int:
    """Predict, write and draw everything; the exit code."""
    if out.exists() and not out.is_dir():
        raise ConfigError(str(out), "is no folder", remedy="name a folder for --out")
    sources = [source for source in open_inputs(inputs, said) if not written_by_us(source, out)]
    if not sources:
        raise ConfigError(
            str(out), "nothing but what an earlier run wrote is to be read", remedy="name recordings, or another --out"
        )
    rows, full, refused, pictures = [], [], [], Names()

    def refuse(name: str, error: Exception) -> None:
        refused.append({"name": name, "reason": str(error)})
        errors.print(Text(f"refused  {error}"))

    columns = (TextColumn("walking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        for prediction in inferencer.iterate(bar.track(sources), said, on_error=refuse):
            rows.append(table_row(prediction))
            full.append(prediction.as_dict())
            name = pictures.new(prediction)
            draw_prediction(out / f"{name}.png", prediction, inferencer.note)
            if gif:
                animate_prediction(out / f"{name}.gif", prediction, inferencer.note)
            likeliest = f"{prediction.likeliest} {prediction.confidence:.2f}"
            print(f"{prediction.id}: {f'no answer ({likeliest})' if prediction.abstained else likeliest}")
    write_table(out / TABLE, rows, inferencer.classes)
    model = {key: inferencer.published.meta.get(key) for key in ("name", "version", "demonstration", "note")}
    write_json(out / FULL, {"model": model, "predictions": full, "refused": refused})
    silent = sum(row["abstained"] for row in rows)
    print(f"{out}: {len(rows)} recordings, {silent} of them without an answer; {len(refused)} refused")
    return int(bool(refused))


def written_by_us(source: TakeSource, out: Path) -> bool:
    """Whether a file is one that an earlier run wrote."""
    return source.path is not None and source.path.resolve() in {(out / name).resolve() for name in (TABLE, FULL)}


class Names:
    """File names for recordings: plain letters, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, prediction: GaitPrediction) -> str:
        """A name that is not taken."""
        plain = re.sub(r"[^\w@+-]+", "_", prediction.id)[-120:]
        name = next(name for name in _numbered(plain) if name.lower() not in self._taken)
        self._taken.add(name.lower())
        return name


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

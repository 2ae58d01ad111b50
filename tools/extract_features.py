"""What the encoder of a published model makes of the walks of an archive: a vector each, for any other program.

python tools/extract_features.py walks.gait.h5 --out features.h5
python tools/extract_features.py walks.gait.h5 --out features.h5 --model lab-1a2b3c4d.pth

FILE.h5 gets features (N, d) float32, the mean over the gait cycles of a walk; and, a line for each of these rows, the
archive's id, subject, group, label (class id, -1 = unlabelled); as attributes label_names, model and archive. Rows are
in the archive's order. A walk that the model cannot read is reported and left out, and the exit code is 1: join by id.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too
# Read when PyTorch is loaded. Layers are small here: on a busy machine, threads that wait awake triple the time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import h5py
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.archive import GaitArchive
from mmgaitemo.archive.reader import COLUMNS
from mmgaitemo.archive.writer import TEXT
from mmgaitemo.cli import end_cleanly, plain_errors
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.files import unfinished


def main() -> int:
    """Extract."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="archive (*.gait.h5)")
    parser.add_argument("--out", metavar="FILE.h5", required=True, help="file to write; one of this name is replaced")
    parser.add_argument("--model", metavar="PTH", help="published model; default: the demonstration model")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--rate", type=float, metavar="HZ", help="frame rate; goes before what the archive says")
    args = parser.parse_args()
    end_cleanly()
    out = Path(args.out)
    if out.suffix != ".h5" or out.is_dir() or (out.exists() and out.samefile(args.archive)):
        raise ConfigError(str(out), "no features can be written there", remedy="name a file that ends in .h5")
    with GaitArchive(args.archive) as archive:
        info, labels = archive.info, archive.labels
        columns = {name: getattr(archive, f"{name}s") for name in COLUMNS}
    inferencer = GaitEmotionInferencer(args.model, args.device)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(Text(inferencer.note))
    refused: list[str] = []

    def refuse(name: str, error: Exception) -> None:
        refused.append(name)
        errors.print(Text(f"refused  {error}"))

    rows, features = [], []
    place = {name: row for row, name in enumerate(columns["id"])}
    bar = Progress(
        TextColumn("extracting"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
    with bar:
        predictions = inferencer.iterate(args.archive, inferencer.said(rate=args.rate), explain=False, on_error=refuse)
        for prediction in bar.track(predictions, total=len(labels)):
            rows.append(place[prediction.id])
            features.append(prediction.features)
    if not rows:
        raise DataError(args.archive, "the model can read none of its walks", remedy="see what was refused above")
    with unfinished(out) as partial, h5py.File(partial, "w") as file:
        file["features"] = np.stack(features)
        file["label"] = labels[rows]
        for name, values in columns.items():
            file.create_dataset(name, data=[values[row] for row in rows], dtype=TEXT)
        names = info.label_names
        file.attrs.create("label_names", list(names), shape=(len(names),), dtype=TEXT)
        file.attrs.update({"model": Path(inferencer.published.path).name, "archive": Path(args.archive).name})
    print(f"{out}: {len(rows)} walks, {features[0].shape[0]} features; {len(refused)} refused")
    return int(bool(refused))


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

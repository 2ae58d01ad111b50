"""Fuse the scores of several networks, such as those of the joint, bone and motion streams, walk by walk.

python tools/analysis/fuse_streams.py joint.json bone.json motion.json --weights 0.6 0.6 0.4 --out fused.json

The files are those of tools/test.py --out. They are joined by the walks' ids and have to hold the same walks.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import numpy as np
from mmengine.logging import MMLogger

from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.json_file import is_number, parse_json
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.evaluation import GaitMetric
from mmgaitemo.evaluation.scores import classification_metrics

REMEDY = "write it anew with tools/test.py --out"
TOLERANCE = 1e-4  # float32 probabilities sum to one within 1e-6; nothing else comes near


class Scores(NamedTuple):
    """A file of scores.

    Attributes:
        classes: Their names, in the order of the columns.
        note: What the data set says of its classes.
        ids: Of the N walks, sorted.
        truth: (N,) class ids.
        scores: (N, classes) probabilities.
    """

    classes: list[str]
    note: str
    ids: list[str]
    truth: np.ndarray
    scores: np.ndarray


def read_scores(path: str) -> Scores:
    """Read what ``tools/test.py --out`` wrote.

    Raises:
        DataError: The file is missing or holds something else; or labels are no classes, or scores no probabilities.
    """
    try:
        content = parse_json(Path(path).read_text(encoding="utf-8"))
        classes, samples = content["classes"], content["samples"]
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise TypeError(f"classes is {classes!r}, not a list of names")
        if not isinstance(samples, dict):
            raise TypeError(f"samples is {type(samples).__name__}, not dict")
        ids = sorted(samples)
        labels, rows = ([samples[name][key] for name in ids] for key in ("label", "scores"))
        if strange := [value for row in rows for value in row if not is_number(value)]:
            raise TypeError(f"the score {strange[0]!r} is no number")
        scores = np.array(rows, dtype=np.float64)
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError) as error:
        raise DataError(path, "holds no scores of walks", found=repr(error)[:200], remedy=REMEDY) from None
    if not ids or scores.shape != (len(ids), len(classes)):
        found = f"{len(classes)} classes, scores {scores.shape}"
        raise DataError(path, "needs walks, and one score per class for each", found=found, remedy=REMEDY)
    if wrong := [label for label in labels if type(label) is not int or not 0 <= label < len(classes)]:
        raise DataError(path, f"labels must be class ids below {len(classes)}", found=wrong[:3], remedy=REMEDY)
    off = ~(np.isfinite(scores).all(1) & (scores >= 0).all(1) & (abs(scores.sum(1) - 1) < TOLERANCE))
    if off.any():
        first = int(off.argmax())
        raise DataError(
            path,
            "scores must be probabilities: finite, not negative, with sum 1",
            found=f"{ids[first]!r} {scores[first].tolist()}, {off.sum()} such walks",
            remedy="take the softmax of the network's outputs",
        )
    return Scores(classes, str(content.get("class_note", "")), ids, np.array(labels), scores)


def check_joined(first: Scores, other: Scores, paths: tuple[str, str]) -> None:
    """Refuse to fuse scores that are not of the same walks, classes and labels.

    Raises:
        DataError: They differ.
    """
    where, remedy = " and ".join(paths), "test all networks on the same fold of the same data"
    if first.classes != other.classes:
        found = f"{first.classes} and {other.classes}"
        raise DataError(where, "have other classes, or another order of them", found=found, remedy=remedy)
    if apart := set(first.ids) ^ set(other.ids):
        found = f"{len(set(first.ids) & set(other.ids))} in both, {len(apart)} in one, such as {sorted(apart)[:3]}"
        raise DataError(where, "hold other walks", found=found, remedy=remedy)
    if (changed := first.truth != other.truth).any():
        found = f"{changed.sum()}, such as {first.ids[int(changed.argmax())]!r}"
        raise DataError(where, "have other labels for some walks", found=found, remedy=remedy)


def check_arguments(args: argparse.Namespace) -> np.ndarray:
    """The weights, which sum to one.

    Raises:
        ConfigError: The arguments make no sense.
    """
    files = [str(Path(path).resolve()) for path in args.scores]
    if len(files) < 2 or len(set(files)) < len(files):
        raise ConfigError("SCORES", "needs two different files at least", found=args.scores, remedy="name each once")
    weights = np.array([1.0] * len(files) if args.weights is None else args.weights)
    if len(weights) != len(files) or not (np.isfinite(weights) & (weights > 0)).all():
        found = weights.tolist()
        raise ConfigError("--weights", f"needs {len(files)} positive numbers", found=found, remedy="one for each file")
    out = args.out and Path(args.out)
    if out and (out.suffix != ".json" or out.is_dir() or str(out.resolve()) in files):
        raise ConfigError(args.out, "must be the name of a .json file that is no input", remedy="name another")
    weights /= weights.max()  # else the sum of large ones is infinite
    return weights / weights.sum()


def main() -> None:
    """Read, check, fuse, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="+", metavar="SCORES", help="files of tools/test.py --out, one per stream")
    parser.add_argument("--weights", type=float, nargs="+", help="of the files, in their order; default: equal")
    parser.add_argument("--out", help="JSON file for the fused scores, as tools/test.py writes it")
    args = parser.parse_args()
    weights = check_arguments(args)
    streams = [read_scores(path) for path in args.scores]
    first = streams[0]
    for path, other in zip(args.scores[1:], streams[1:], strict=True):
        check_joined(first, other, (args.scores[0], path))
    fused = np.tensordot(weights, np.stack([stream.scores for stream in streams]), axes=1)
    if args.out:
        write_scores(args.out, first, fused)
    rows = [(path, stream.scores) for path, stream in zip(args.scores, streams, strict=True)] + [("fused", fused)]
    width = max(len(name) for name, _ in rows)
    print(f"{len(first.ids)} walks, weights {' '.join(f'{weight:.3f}' for weight in weights)}")
    print(f"{'':<{width}}  accuracy  balanced accuracy  macro-F1")
    for name, scores in rows:
        accuracy, balanced, f1 = classification_metrics(first.truth, scores).values()
        print(f"{name:<{width}}  {accuracy:>8.3f}  {balanced:>17.3f}  {f1:>8.3f}")


def write_scores(path: str, known: Scores, fused: np.ndarray) -> None:
    """The fused scores as ``GaitMetric`` writes those of one network."""
    MMLogger.get_instance("fuse_streams", log_level="ERROR")  # its table would say again what is printed below
    metric = GaitMetric(out=path)
    metric.dataset_meta = {"classes": known.classes, "class_note": known.note}
    samples: list[dict[str, Any]] = [
        {"id": name, "label": int(label), "scores": row}
        for name, label, row in zip(known.ids, known.truth, fused, strict=True)
    ]
    metric.compute_metrics(samples)


if __name__ == "__main__":
    with plain_errors():
        main()

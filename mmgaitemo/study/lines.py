"""Finished cells on disk: JSON lines that survive a kill in the middle of a word and are checked when they are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmgaitemo.conversion.json_file import parse_json
from mmgaitemo.errors import DataError
from mmgaitemo.files import unfinished
from mmgaitemo.statistics.cell_lines import IMPOSSIBLE, PRETRAIN, check_line, problem
from mmgaitemo.version import __version__

Key = tuple[str, int, int | None, int, str]
KINDS: dict[str, tuple[type, ...]] = {
    "method": (str,),
    "protocol": (str,),
    "fold": (int,),
    "unused_fold": (int, type(None)),
    "seed": (int,),
    "hash": (str,),
    "version": (str,),
}


def key_of(line: dict[str, Any]) -> Key:
    """Which cell a line is about."""
    return line["method"], line["fold"], line["unused_fold"], line["seed"], line["protocol"]


def is_finite(line: dict[str, Any]) -> bool:
    """Whether all metrics of a line are numbers: a cell with NaN is not finished."""
    return all(math.isfinite(value) for value in line.get("metrics", {}).values())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file that is written as a whole, none if there is none.

    Raises:
        DataError: A line is no finished cell, such as the report would refuse later.
    """
    found = []
    for number, text, _ in _texts(path):
        try:
            found.append(_parsed(text))
        except ValueError as error:
            raise DataError(
                f"{path}, line {number}",
                "is no finished cell",
                found=error,
                remedy="restore the file, or take the line out: its cell is run again",
            ) from None
    return found


def read_sound_lines(path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """The lines of a job's file that are finished cells, and the numbers of those that are none."""
    found, damaged = [], []
    for number, text, ended in _texts(path):
        try:
            found.append(_parsed(text))
        except ValueError:
            if ended:  # else it may be a line that the job is just writing
                damaged.append(number)
    return found, damaged


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Append a line; what another process left unfinished stands on a line of its own."""
    ends_well = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("" if ends_well else "\n") + json.dumps(line) + "\n")


def set_damaged_aside(path: Path) -> None:
    """Move what is no finished cell, such as a torn end, from a job's file to ``damaged.txt`` beside it."""
    good, bad = [], []
    for _, text, _ in _texts(path):
        try:
            _parsed(text)
            good.append(text)
        except ValueError:
            bad.append(text)
    if bad:
        with (path.parent / "damaged.txt").open("ab") as file:
            file.writelines(text + b"\n" for text in bad)
        with unfinished(path) as partial:
            partial.write_bytes(b"".join(text + b"\n" for text in good))


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write a whole file at once."""
    with unfinished(path) as partial:
        partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _texts(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Number, bytes and whether it has an end, of every line of a file."""
    texts = path.read_bytes().split(b"\n") if path.is_file() else []
    for number, text in enumerate(texts, 1):
        if text or number < len(texts):
            yield number, text, number < len(texts)


def _parsed(text: bytes) -> dict[str, Any]:
    """A line.

    Raises:
        ValueError: It is none: not UTF-8, no JSON, without what every line has, or with what cannot be.
    """
    line = parse_json(text.decode("utf-8"))
    if not isinstance(line, dict) or KINDS.keys() - line.keys():
        raise ValueError(f"not all of {sorted(KINDS)}")
    if wrong := [key for key, kinds in KINDS.items() if type(line[key]) not in kinds]:
        raise ValueError(f"{wrong[0]} = {line[wrong[0]]!r}")
    metrics = line.get("metrics", {"accuracy": 0} if line["protocol"] == PRETRAIN else None)
    if not isinstance(metrics, dict) or not {type(value) for value in metrics.values()} <= {int, float}:
        raise ValueError(f"metrics = {metrics!r}")
    if "accuracy" not in metrics:
        raise ValueError("no accuracy")
    try:
        _ = [float(value) for value in metrics.values()]  # an int may be larger than any float
        if line["version"] == __version__:  # else it is superseded, for the hash holds the version
            check_line(line)
    except IMPOSSIBLE as error:
        raise ValueError(problem(error)) from None
    return line

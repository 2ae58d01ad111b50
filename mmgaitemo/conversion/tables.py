"""Keypoints in CSV, NPY, NPZ and JSON files; a column map says what the numbers are."""

from __future__ import annotations

import csv
import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mmgaitemo.conversion.arrays import NpzFile, read_npy
from mmgaitemo.conversion.column_map import ColumnMap
from mmgaitemo.conversion.facts import TakeFacts
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.errors import DataError

SUFFIXES = (".csv", ".npy", ".npz", ".json")
LARGEST_TEXT = {".csv": 1 << 28, ".json": 1 << 25}  # bytes; JSON may take thirty times its size in memory
_MISSING = ("", "nan", "null")


@dataclass(frozen=True)
class Table:
    """Where the numbers of a recording are.

    Args:
        path: A file; its name ends in one of ``SUFFIXES``.
        array: The array of an .npz file.
        file: Path of the file below the folder of the data set.
    """

    path: Path
    array: str = ""
    file: str = ""


def find_tables(files: Mapping[str, Path], columns: ColumnMap) -> dict[str, Table]:
    """The tables in the files; one of several arrays in an .npz file is called ``<file>/<array>``.

    Args:
        files: Name -> file, as ``facts.find_files`` gives them.
        columns: May say which array to take.
    """
    tables = {}
    for name, path in files.items():
        if path.suffix.lower() != ".npz":
            tables[name] = Table(path, file=name)
            continue
        try:
            with NpzFile(path) as file:
                arrays = file.names if columns.array is None else [columns.array]
        except DataError:
            arrays = []
        arrays = arrays or [""]  # reading it says why
        tables |= {f"{name}/{array}" if len(arrays) > 1 else name: Table(path, array, name) for array in arrays}
    return tables


def table_source(name: str, table: Table, columns: ColumnMap, facts: TakeFacts | DataError) -> Source:
    """A table as a source of one recording.

    Args:
        name: As ``find_tables`` gives it; without the file's suffix it is the recording's id.
        table: Where the numbers are.
        columns: Says what they are.
        facts: Label and so on; an error here is raised when the source is read, so that the table is refused.
    """
    stem = PurePosixPath(table.file).with_suffix("").as_posix()

    def read() -> Iterator[Recording]:
        if isinstance(facts, DataError):
            raise facts
        positions, score = columns.arrange(read_table(table, columns), _where(table))
        yield Recording(
            id=stem + name[len(table.file) :],
            positions=positions,
            rate=columns.rate,
            subject=facts.subject,
            label=facts.label,
            # Where persons are unknown, several arrays of one file may well be one person.
            group=facts.group or facts.subject or stem,
            extra={**facts.extra, "source_file": name},
            score=score,
        )

    return Source(name, read)


def read_table(table: Table, columns: ColumnMap) -> np.ndarray:
    """The numbers of a table.

    Args:
        table: Where they are.
        columns: Says what they are.

    Returns:
        (T, ...) numbers in the order of the column map, NaN where one is missing.

    Raises:
        DataError: The file cannot be read, is too large, or is no table; the message names line, column or key.
    """
    path, suffix = table.path, table.path.suffix.lower()
    if suffix == ".npy":
        values = read_npy(path)
    elif suffix == ".npz":
        with NpzFile(path) as file:
            values = file.read(table.array)
    elif suffix in LARGEST_TEXT:
        try:
            if (size := path.stat().st_size) > LARGEST_TEXT[suffix]:
                problem = f"is larger than {LARGEST_TEXT[suffix] >> 20} MiB"
                raise DataError(str(path), problem, found=f"{size >> 20} MiB", remedy="cut it up, or store it as .npy")
            return read_csv(path, columns) if suffix == ".csv" else read_json(path, columns)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(str(path), "cannot be read", found=error, remedy="save it as UTF-8 text") from None
    else:
        raise DataError(str(path), "is no table", found=suffix or path.name, remedy=f"files of {SUFFIXES} are read")
    if not values.ndim:
        raise DataError(_where(table), "is a single number", remedy="store an array (frames, joints, 3)")
    return values


def _where(table: Table) -> str:
    return f"{table.path}, array {table.array!r}" if table.array else str(table.path)


def read_csv(path: Path, columns: ColumnMap) -> np.ndarray:
    """Numbers of a CSV file, UTF-8 with or without a byte order mark; (T, *columns.frame_shape).

    Raises:
        DataError: A column is not there or there twice, a row is short, or a cell is neither number nor empty.
    """
    numbers, blank = array("d"), None
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=columns.delimiter, strict=True)
        try:
            if columns.columns is None:
                width = len(columns.joints) * len(columns.channels)
                header = [f"column {number}" for number in range(1, width + 1)]
                chosen = list(range(width))
            else:
                header = [name.strip() for name in next(reader, [])]
                chosen = _choose(header, [name for names in columns.columns for name in names], path)
            for row in reader:
                if not row:
                    blank = blank or reader.line_num
                    continue
                where = f"{path}, line {reader.line_num}"
                if len(row) != len(header) or blank is not None:
                    found = f"{len(row)} cells" if blank is None else f"line {blank} is empty"
                    remedy = "correct the line; leave cells empty where a joint is missing"
                    raise DataError(where, f"every line needs {len(header)} cells", found=found, remedy=remedy)
                numbers.extend([_number(row[index], where, header[index]) for index in chosen])
        except csv.Error as error:
            raise DataError(
                f"{path}, line {reader.line_num}", "is no CSV", found=error, remedy="check quotes and delimiter"
            ) from None
    shape = -1, len(columns.joints), len(columns.channels)
    table = np.frombuffer(numbers, dtype=np.float64).reshape(shape) if numbers else np.zeros((0, *shape[1:]))
    return (table.transpose(0, 2, 1) if columns.axes == "TCV" else table).reshape(-1, *columns.frame_shape)


def _choose(header: list[str], wanted: list[str], path: Path) -> list[int]:
    """Where the wanted columns are."""
    if absent := [name for name in wanted if header.count(name) != 1]:
        near = get_close_matches(absent[0], sorted({*header} - {*wanted}), n=2)
        raise DataError(
            f"{path}, line 1",
            f"{len(absent)} of {len(wanted)} columns are not there, or there twice",
            found=f"{absent[0]!r} (near: {near or 'none'}) in a header of {len(header)} columns {header[:4]}",
            remedy="correct 'columns', 'delimiter' or 'header' in the column map",
        )
    return [header.index(name) for name in wanted]


def _number(cell: str, where: str, column: str) -> float:
    text = cell.strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value) or "_" in text:  # Python reads 1_000
        raise DataError(
            f"{where}, column {column!r}",
            "is no number",
            found=repr(text[:50]),
            remedy="write a decimal point; leave the cell empty where the joint is missing",
        )
    return value


def read_json(path: Path, columns: ColumnMap) -> np.ndarray:
    """Numbers of a JSON file; (T, *columns.frame_shape).

    Either an object with ``frames``, a list of frames in the order of the column map; or a list of objects with
    ``keypoints``, one per frame, in which x, y, score, ... of all joints follow each other, as in COCO's results.
    ``null`` stands for a missing number, joint or body. An ``image_id``, where given, has to count the frames.

    Raises:
        DataError: It is neither; the message names the key.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, RecursionError, MemoryError) as error:
        raise DataError(str(path), "is no JSON file", found=error, remedy="correct it there") from None
    except ValueError as error:  # a number of thousands of digits, or no UTF-8
        raise DataError(str(path), "holds what cannot be read", found=error, remedy="correct it there") from None
    if isinstance(content, list):
        flat = len(columns.joints) * len(columns.channels)
        table = _frames(_keypoints(content, path), (flat,), f"{path}, keypoints")
        table = table.reshape(-1, len(columns.joints), len(columns.channels))
        return (table.transpose(0, 2, 1) if columns.axes == "TCV" else table).reshape(-1, *columns.frame_shape)
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
        raise DataError(
            str(path),
            'needs {"frames": [[[x, y, z], ...], ...]} or [{"keypoints": [x, y, score, ...]}, ...]',
            found=f"keys {list(content)[:10]}" if isinstance(content, dict) else type(content).__name__,
            remedy="write it in one of these forms",
        )
    return _frames(content["frames"], columns.frame_shape, f"{path}, frames")


def _keypoints(content: list[Any], path: Path) -> list[Any]:
    """The keypoints of each frame; ``None`` where nobody was seen."""
    frames, before = [], None
    for number, entry in enumerate(content):
        where = f"{path}, entry {number}"
        if entry is not None and (not isinstance(entry, dict) or "keypoints" not in entry):
            found = type(entry).__name__
            raise DataError(where, "needs an object with 'keypoints', or null", found=found, remedy="correct it")
        if entry is not None and "image_id" in entry:
            image = re.search(r"(\d{1,18})(\.\w+)?$", str(entry["image_id"])[-40:])
            frame = None if image is None else int(image[1])
            if frame is None or (before is not None and frame != before + 1):
                raise DataError(
                    where,
                    "the image_id must count the frames: one entry each, one person, none left out",
                    found=f"{str(entry['image_id'])[:40]!r} after {before}",
                    remedy="track one person, and write null for frames that do not show it; or drop image_id",
                )
            before = frame
        elif before is not None:
            before += 1
        frames.append(None if entry is None else entry["keypoints"] or None)
    return frames


def _frames(frames: list[Any], shape: tuple[int, ...], where: str) -> np.ndarray:
    """(T, *shape) numbers of nested lists."""
    numbers = array("d")
    for number, frame in enumerate(frames):
        _collect(frame, shape, f"{where}[{number}]", numbers)
    return np.frombuffer(numbers, dtype=np.float64).reshape(-1, *shape) if numbers else np.zeros((0, *shape))


def _collect(value: Any, shape: tuple[int, ...], where: str, numbers: array[float]) -> None:
    """Append the numbers of a nested list of this shape; at most two levels deep."""
    if value is None:
        numbers.extend([math.nan] * math.prod(shape))
    elif not shape:
        try:
            plain = not isinstance(value, bool) and isinstance(value, (int, float)) and not math.isinf(float(value))
        except OverflowError:
            plain = False
        if not plain:
            found = repr(value)[:50] if isinstance(value, (str, float, bool)) else type(value).__name__
            raise DataError(where, "is no number", found=found, remedy="write null where it is missing")
        numbers.append(float(value))
    elif isinstance(value, list) and len(value) == shape[0]:
        for index, item in enumerate(value):
            _collect(item, shape[1:], f"{where}[{index}]", numbers)
    else:
        found = f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
        raise DataError(where, f"needs a list of {shape[0]}", found=found, remedy="correct it, or the column map")

"""Which files there are, and who does what in them: from their names, or from a table."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmgaitemo.errors import ConfigError, DataError

_LARGEST = 1 << 26  # bytes of a table
_TAKEN = ("source_file", "first_frame")  # columns that the converters write
_FACTS = ("label", "subject", "group")  # what a pattern or a table may say besides free columns


@dataclass(frozen=True)
class TakeFacts:
    """What is known of a recording besides its motion.

    Args:
        label: Class name; ``None`` = unlabelled.
        subject: The person; empty where unknown.
        group: What no split may part; ``None`` = the subject, or the recording where that is unknown.
        extra: Free columns.
    """

    label: str | None = None
    subject: str = ""
    group: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


def find_files(inputs: Sequence[str | Path], suffixes: Sequence[str]) -> dict[str, Path]:
    """Files by name, sorted in each input.

    Args:
        inputs: Files, or folders that are searched to the bottom.
        suffixes: Lower-case suffixes of the files that count in a folder, such as ``.bvh``.

    Returns:
        Name -> file; the name is the path below the folder with ``/`` between its parts, or the name of the file.

    Raises:
        ConfigError: An input does not exist or holds no such file, or two files have one name.
    """
    found: dict[str, Path] = {}
    for given in map(Path, inputs):
        if not (given.is_file() or given.is_dir()):  # a pipe would be waited for
            raise ConfigError(str(given), "no such file or folder", remedy="correct the path")
        files = [given]
        if given.is_dir():
            files = sorted(path for path in _below(given) if path.suffix.lower() in suffixes)
            if odd := [path for path in files if not path.is_file()]:
                raise ConfigError(str(odd[0]), "is no file that can be read", remedy="remove the broken link or pipe")
        if not files:
            raise ConfigError(
                str(given),
                f"holds no file that ends in {' or '.join(suffixes)}",
                remedy="name the folder of the recordings",
            )
        for path in files:
            name = path.relative_to(given).as_posix() if given.is_dir() else path.name
            name = name.encode(errors="replace").decode()  # a file name may hold bytes that are no text
            if name in found:
                raise ConfigError(
                    str(path), "two files have one name", found=found[name], remedy="name the folder above both"
                )
            found[name] = path
    return found


def _below(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is none itself, through links too, each folder once.

    Raises:
        ConfigError: A folder cannot be read.
    """

    def stop(error: OSError) -> None:
        raise ConfigError(str(error.filename), "cannot be read", found=error.strerror, remedy="check its rights")

    seen: set[str] = set()
    for base, folders, names in os.walk(folder, onerror=stop, followlinks=True):
        real = os.path.realpath(base)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(base, name) for name in names)


def facts_from_pattern(names: Sequence[str], pattern: str) -> dict[str, TakeFacts | DataError]:
    """Facts from the names of the files.

    Args:
        names: As ``find_files`` gives them.
        pattern: Regular expression, searched anywhere in the name. Its named groups ``label``, ``subject`` and
            ``group`` are those facts, all others free columns; empty for a group that takes no part.

    Returns:
        Name -> facts, or the error with which a name that does not match is to be refused.

    Raises:
        ConfigError: The pattern is no regular expression or names a column that is taken.
    """
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError("--pattern", "is no regular expression", found=error, remedy="correct it") from error
    _check_columns("--pattern", expression.groupindex)
    facts: dict[str, TakeFacts | DataError] = {}
    for name in names:
        match = expression.search(name)
        facts[name] = (
            _facts({key: value or "" for key, value in match.groupdict().items()})
            if match
            else DataError(name, "does not match the pattern", found=pattern, remedy="change --pattern, or use --table")
        )
    return facts


def facts_from_table(names: Sequence[str], table: str | Path) -> dict[str, TakeFacts | DataError]:
    """Facts from a CSV file with a column ``file`` that lists every file once.

    Args:
        names: As ``find_files`` gives them.
        table: Has a header; ``label``, ``subject`` and ``group`` are those facts, all other columns free ones.

    Raises:
        DataError: The table cannot be read, or does not list each file exactly once; the message names the line.
    """
    try:
        if not Path(table).is_file():
            raise DataError(str(table), "no such file", remedy="correct the path")
        if Path(table).stat().st_size > _LARGEST:
            raise DataError(str(table), "is larger than 64 MB", remedy="name a table with one line for each file")
        text = Path(table).read_bytes().decode("utf-8-sig")
        if "\0" in text:
            raise csv.Error("it contains NUL characters")
        rows = _table_rows(csv.reader(io.StringIO(text, newline=""), strict=True), str(table))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(str(table), "cannot be read as CSV", found=error, remedy="correct or convert it") from error
    if {*rows} != {*names}:
        missing, unknown = sorted({*names} - {*rows}), sorted({*rows} - {*names})
        raise DataError(
            str(table),
            "must list exactly the files that are there, as paths below the folder",
            found=f"{len(missing)} not listed {missing[:3]}, {len(unknown)} not there {unknown[:3]}",
            remedy="correct the column 'file', or name other files",
        )
    return {name: _facts(rows[name]) for name in names}


def _table_rows(reader: Any, table: str) -> dict[str, dict[str, str]]:
    """File -> its other columns."""
    rows: dict[str, dict[str, str]] = {}
    header = [name.strip() for name in next(reader, [])]
    if "file" not in header or "" in header or len({*header}) != len(header):
        raise DataError(
            f"{table}, line 1",
            "the header needs a column 'file', and different names",
            found=header,
            remedy="write for example file,label,subject,take",
        )
    _check_columns(table, header)
    for row in filter(None, reader):
        where = f"{table}, line {reader.line_num}"
        if len(row) != len(header):
            raise DataError(where, f"{len(header)} values are needed", found=len(row), remedy="correct the line")
        values = {column: value.strip() for column, value in zip(header, row, strict=True)}
        name = values.pop("file")
        if name in rows:
            raise DataError(where, "lists a file again", found=repr(name), remedy="list each file once")
        rows[name] = values
    return rows


def _facts(values: Mapping[str, str]) -> TakeFacts:
    """Facts from texts by name; empty ones are unknown."""
    return TakeFacts(
        label=values.get("label") or None,
        subject=values.get("subject", ""),
        group=values.get("group") or None,
        extra={key: value for key, value in values.items() if key not in _FACTS},
    )


def _check_columns(where: str, names: Sequence[str] | Mapping[str, int]) -> None:
    if taken := [name for name in names if name in _TAKEN or "/" in name or name.strip(".") == ""]:
        raise ConfigError(
            where,
            f"no column of one's own may be called so; {_TAKEN} are the converter's",
            found=taken,
            remedy="rename",
        )

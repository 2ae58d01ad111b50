"""Small JSON files that people write: strictly checked, so that a slip of the pen is named and not ignored."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmgaitemo.errors import ConfigError

Check = tuple[str, bool, str]  # a key, whether its value will do, what to write otherwise


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is none, is nested too deeply, or an object has a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_object(text: str, where: str) -> dict[str, Any]:
    """The object that a JSON text is.

    Raises:
        ConfigError: It is no JSON, or something else.
    """
    try:
        raw = parse_json(text)
    except ValueError as error:
        raise ConfigError(where, "is no JSON file", found=error, remedy="correct it there") from error
    if not isinstance(raw, dict):
        raise ConfigError(where, "must hold one object", found=type(raw).__name__, remedy="write {...}")
    return raw


def read_text(path: str | Path, what: str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        what: What it should be, for the message.

    Raises:
        ConfigError: There is no such file, or it is no text.
    """
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            raise FileNotFoundError("no such file")
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"no readable {what}", found=error, remedy="correct the path") from error


def check_keys(raw: dict[str, Any], known: Iterable[str], where: str) -> None:
    """Let only known keys pass.

    Raises:
        ConfigError: There are others; the message names near ones.
    """
    listed = sorted(known)
    if unknown := sorted({*raw} - {*listed}):
        near = {key: difflib.get_close_matches(key, listed, n=1) for key in unknown}
        raise ConfigError(where, "unknown keys", found=near, remedy=f"use {listed}")


def check_values(raw: dict[str, Any], checks: Sequence[Check], where: str) -> None:
    """Let only fulfilled checks pass.

    Raises:
        ConfigError: One is not; the message names the key and its value.
    """
    for key, fulfilled, remedy in checks:
        if not fulfilled:
            raise ConfigError(f"{where}, key {key!r}", "is no such value", found=repr(raw.get(key)), remedy=remedy)


def is_number(value: Any) -> bool:
    """Whether it is a number; Python counts true and false among them."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Whether it is a text that an archive can hold: HDF5 ends texts at NUL, and half a surrogate pair is no UTF-8."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of ``pairs``; the json module would keep the last of two that have one key."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise ValueError(f"{twice[:3]} occur twice")
    return values

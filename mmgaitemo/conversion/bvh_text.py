"""The text of a BVH file, token by token, with the line numbers that messages need."""

from __future__ import annotations

import re
from pathlib import Path

from mmgaitemo.errors import DataError

LARGEST = 1e9  # an archive holds no larger coordinate either
LINE_END = re.compile(rb"\r\n?|\n")

_TOKEN = re.compile(rb"[{}]|[^\s{}]+")
_NUMBER = re.compile(rb"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class BvhText:
    """The bytes of a file, read token by token: a brace, or anything else between white space."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        self.data = data
        self.place = 0  # where the next token is looked for
        self.start = 0  # of the last token

    def peek(self) -> bytes:
        """The next token; empty at the end of the file."""
        match = _TOKEN.search(self.data, self.place)
        return match.group() if match else b""

    def take(self, wanted: str) -> bytes:
        """The next token, which is then done with."""
        match = _TOKEN.search(self.data, self.place)
        if match is None:
            self.start = len(self.data)
            raise self.error(f"the file ends where {wanted} is expected", remedy="export or copy the file again")
        self.start, self.place = match.span()
        return match.group()

    def expect(self, word: str) -> None:
        """Take ``word``, in any case of its letters."""
        token = self.take(repr(word))
        if token.lower() != word.lower().encode():
            raise self.error(f"{word!r} is expected here", found=token, remedy="check that this is a BVH file")

    def number(self, wanted: str) -> float:
        """Take a finite number."""
        token = self.take(wanted)
        number = number_in(token)
        if number is None:
            raise self.error(f"{wanted} is expected here, below 1e9", found=token, remedy="correct the number")
        return number

    def line(self, place: int) -> int:
        """Line number of a place in the data, from 1."""
        return 1 + sum(1 for _ in LINE_END.finditer(self.data, 0, place))

    def error(self, problem: str, *, found: bytes | str | None = None, remedy: str) -> DataError:
        """An error at the last token."""
        if isinstance(found, bytes):
            found = repr(decoded(found[:60]))
        return DataError(f"{self._path}, line {self.line(self.start)}", problem, found=found, remedy=remedy)


def number_in(token: bytes) -> float | None:
    """The finite number below 1e9 that ``token`` writes, or None."""
    if not _NUMBER.fullmatch(token):
        return None
    number = float(token)
    return number if abs(number) <= LARGEST else None


def decoded(token: bytes) -> str:
    """The token as text: UTF-8, or else Latin-1, which can hold any byte."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return token.decode("latin-1")

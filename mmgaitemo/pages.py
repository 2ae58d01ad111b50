"""Pages of the documentation with parts that a tool writes: between <!-- begin NAME --> and <!-- end NAME -->."""

from __future__ import annotations

import re
from collections.abc import Callable

from mmgaitemo.errors import DataError

BLOCK = re.compile(r"(<!-- begin ([\w-]+) -->\n)(.*?)(<!-- end \2 -->)", re.DOTALL)
MARKER = re.compile(r"<!-- (begin|end) ([\w-]+) -->")
MEANT = re.compile(r".*<!--\s*(?:begin|end)\b.*", re.IGNORECASE)  # a marker, however badly it is written


def fill(page: str, write: Callable[[str], str], where: str) -> str:
    """The page with every block replaced by what ``write`` makes of its name; the rest stays.

    Args:
        page: Its text.
        write: Makes the text of a block.
        where: The page, for errors.

    Raises:
        DataError: A marker is not written as it has to be, or is not one of a pair.
    """
    _check_markers(page, where)
    return BLOCK.sub(lambda match: match[1] + write(match[2]) + match[4], page)


def names(page: str) -> set[str]:
    """Names of the blocks of a page."""
    return {match[2] for match in BLOCK.finditer(page)}


def _check_markers(page: str, where: str) -> None:
    """Refuse what ``BLOCK`` would pass over, or take for one block with text of the page in it."""
    begun = None
    for number, line in enumerate(page.split("\n"), 1):
        if not MEANT.fullmatch(line):
            continue
        marker = MARKER.fullmatch(line)
        if marker is None:
            problem = "needs <!-- begin NAME --> or <!-- end NAME --> alone on a line that ends with LF"
        elif marker[1] == "begin" and begun:
            problem = f"begins a block before <!-- end {begun} -->"
        elif marker[1] == "end" and begun != marker[2]:
            problem = f"ends a block that does not begin: <!-- begin {marker[2]} --> is missing"
        else:
            begun = marker[2] if marker[1] == "begin" else None
            continue
        raise DataError(f"{where}, line {number}", problem, found=repr(line), remedy="correct the marker there")
    if begun:
        raise DataError(where, f"<!-- end {begun} --> is missing", remedy="write it after the block")

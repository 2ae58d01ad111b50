"""Pages of the documentation with parts that a tool writes: between <!-- begin NAME --> and <!-- end NAME -->."""

from __future__ import annotations

import re
from collections.abc import Callable

BLOCK = re.compile(r"(<!-- begin (\w+) -->\n)(.*?)(<!-- end \2 -->)", re.DOTALL)


def fill(page: str, write: Callable[[str], str]) -> str:
    """The page with every block replaced by what ``write`` makes of its name; the rest stays."""
    return BLOCK.sub(lambda match: match[1] + write(match[2]) + match[4], page)


def names(page: str) -> set[str]:
    """Names of the blocks of a page."""
    return {match[2] for match in BLOCK.finditer(page)}

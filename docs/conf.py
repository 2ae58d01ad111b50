"""The documentation site: python -m sphinx -W -b html docs docs/_build/html."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

from sphinx.application import Sphinx

from mmgaitemo.version import __version__

project = "mmgaitemo"
author = "the mmgaitemo authors"
copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # reports of studies begin with a heading of the second level
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
add_module_names = False
toc_object_entries_show_parents = "hide"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # fields of a NamedTuple would else be described twice
html_theme = "furo"
html_title = f"mmgaitemo {release}"
html_show_copyright = False
html_show_sphinx = False

LITERAL = re.compile(r"(``.*?``|`[^`]*`)")
BULLET = re.compile(r"^\s*\* ")


def plain_text(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Our docstrings emphasise nothing: a star or a bar outside literals is multiplication or an absolute value."""
    if what == "property" and lines:  # napoleon would take what stands before a colon for its type
        lines[0] = lines[0].replace(": ", " -- ")
    for number, line in enumerate(lines):
        parts = LITERAL.split(BULLET.sub(lambda match: match[0].replace("*", "-"), line))
        parts[::2] = [re.sub(r"([*|])", r"\\\1", part) for part in parts[::2]]
        lines[number] = "".join(parts)


def without_aliases(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """The fields of a NamedTuple are described in its docstring; what Python says of each is noise."""
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """Connect both."""
    app.connect("autodoc-process-docstring", plain_text, priority=400)  # before napoleon, which writes stars of its own
    app.connect("autodoc-skip-member", without_aliases)

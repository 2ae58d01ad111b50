"""``report.html``: what a run or a study left, in one file that needs nothing but a browser.

A section of the page is HTML made by the functions of this module. They escape every text they are given: ids, labels
and paths are the user's, and may hold anything. The page also forbids itself to load from elsewhere and to run any
script but the viewer's.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NewType

from PIL import Image

from mmgaitemo.files import unfinished
from mmgaitemo.visualization.style import DPI
from mmgaitemo.visualization.walk_set import WalkSet
from mmgaitemo.visualization.web_page import page

Html = NewType("Html", str)
SCREEN = 100  # dots to the inch on which pictures are shown: their smallest letters are 12 pixels high


def paragraph(text: str) -> Html:
    """A paragraph."""
    return Html(f"<p>{html.escape(text)}</p>")


def missing(text: str) -> Html:
    """What is missing here, and why."""
    return Html(f'<strong class="missing">{html.escape(text)}</strong>')


def facts(known: Mapping[str, object]) -> Html:
    """A list of names and what they are; entries that are None or empty are left out."""
    rows = (
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(what))}</dd>"
        for name, what in known.items()
        if what is not None and what != ""
    )
    return Html(f'<dl class="facts">{"".join(rows)}</dl>')


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """A table with a head."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return Html(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def folded(name: str, text: str) -> Html:
    """Text as it is, behind a line to click on."""
    return Html(f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(text)}</pre></details>")


def picture(path: Path, what: str) -> Html:
    """A PNG file as part of the page, in the size it was drawn for.

    It is kept in 256 colours: the pictures of this package have few, and take a third of the bytes.

    Args:
        path: The file.
        what: It shows, for those who cannot see it.

    Raises:
        OSError: The file is missing or no picture.
    """
    small = io.BytesIO()
    with Image.open(path) as whole:
        whole.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG")
        width = whole.width * SCREEN // DPI
    data = base64.b64encode(small.getvalue()).decode("ascii")
    return Html(f'<img width="{width}" src="data:image/png;base64,{data}" alt="{html.escape(what)}">')


def viewer(walks: WalkSet) -> Html:
    """The page of ``web_page``, in a frame of its own that can reach nothing outside it."""
    return Html(
        f'<iframe sandbox="allow-scripts" title="{html.escape(walks.title)}" '
        f'srcdoc="{html.escape(page(walks))}"></iframe>'
    )


def write_report(path: Path, title: str, sections: Mapping[str, Html], footer: Sequence[str] = ()) -> Path:
    """Write the page of ``report_page``; the file appears complete or not at all."""
    with unfinished(path) as partial:
        partial.write_text(report_page(title, sections, footer), encoding="utf-8")
    return path


def report_page(
    title: str, sections: Mapping[str, Html], footer: Sequence[str] = (), links: Mapping[str, str] | None = None
) -> str:
    """The page as text.

    Args:
        title: Printed above.
        sections: Heading -> what stands below it, in the order of the page.
        footer: Lines below.
        links: Text -> address of links beside those to the sections.
    """
    folder = files("mmgaitemo.visualization") / "templates"
    template, *style, draw, browse = (
        (folder / name).read_text(encoding="utf-8")
        for name in ("report.html", "browser.css", "report.css", "draw.js", "browse.js")
    )
    marks = {heading: f"part{number}" for number, heading in enumerate(sections)}
    addresses = {**{heading: f"#{mark}" for heading, mark in marks.items()}, **(links or {})}
    parts = (
        f'<section id="{marks[heading]}">\n<h2>{html.escape(heading)}</h2>\n{body}\n</section>'
        for heading, body in sections.items()
    )
    # A frame inherits the rules of its page: the viewer's script, and no other, has to be allowed here too.
    digest = base64.b64encode(hashlib.sha256((draw + browse).encode()).digest()).decode()
    return Template(template).substitute(
        title=html.escape(title),
        style="\n".join(style),
        script=f"'sha256-{digest}'",
        contents="\n".join(
            f'<a href="{html.escape(address)}">{html.escape(text)}</a>' for text, address in addresses.items()
        ),
        sections="\n".join(parts),
        footer="\n".join(paragraph(line) for line in footer),
    )

"""The report of a study as one page: its ``tables.md`` with all pictures in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mmgaitemo.errors import DataError
from mmgaitemo.visualization.run_report import Html, folded, missing, picture, write_report

_ADDED = ("study.json", "comparisons.json", "summary.json")


def write_study_page(folder: str | Path) -> Path:
    """Write ``report.html`` beside ``tables.md``, which ``tools/analysis/report.py`` has to have written before.

    The page is self-contained: it may be moved and mailed without the folder. A picture that is missing is named where
    it should stand.

    Args:
        folder: Of the study; pictures from outside of it are not taken in.

    Returns:
        The page.

    Raises:
        DataError: There is no ``tables.md``, or it is no text.
    """
    folder = Path(folder)
    try:
        text = (folder / "tables.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            str(folder / "tables.md"),
            "cannot be read",
            found=error,
            remedy="write the tables first: python tools/analysis/report.py FOLDER",
        ) from None
    # The tables hold titles that users made: HTML in them stays text.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("image", _image)
    tokens = markdown.parse(text)
    title = _take_heading(tokens, "h2") or folder.name
    starts = [place for place, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h3"]
    sections: dict[str, Html] = {}
    for start, stop in zip([0, *starts], [*starts, len(tokens)], strict=True):
        piece = tokens[start:stop]
        heading = _take_heading(piece, "h3") or "Study"
        body = markdown.renderer.render(piece, markdown.options, {"folder": folder})
        sections[heading] = Html(sections.get(heading, "") + body)  # two families may have one title
    data = [folder / name for name in _ADDED if (folder / name).is_file()]
    if data:
        sections["Files"] = Html("".join(folded(path.name, path.read_text(encoding="utf-8")) for path in data))
    return write_report(folder / "report.html", title, sections)


def _take_heading(tokens: list[Token], tag: str) -> str:
    """Remove the heading that the tokens begin with; empty where they begin with none."""
    if not tokens or tokens[0].type != "heading_open" or tokens[0].tag != tag:
        return ""
    text = tokens[1].content
    del tokens[:3]
    return text


def _image(self: Any, tokens: Sequence[Token], place: int, options: Any, env: dict[str, Path]) -> str:
    """The picture that an image of the text names, in the page."""
    token, folder = tokens[place], env["folder"]
    path = (folder / unquote(str(token.attrs["src"]))).resolve()
    if not path.is_relative_to(folder.resolve()):
        return missing(f"{token.content}: {path.name} is not in the folder of the study")
    try:
        return picture(path, token.content)
    except (OSError, ValueError) as error:
        return missing(f"{token.content}: {path.name} cannot be read ({error})")

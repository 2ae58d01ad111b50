"""The page of a study: all that its tables and pictures say, in one file."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import fake_study
import pytest
from commands import run_here
from PIL import Image
from test_web_page import EVIL, Parts

from mmgaitemo.errors import DataError
from mmgaitemo.visualization.run_report_study import write_study_page


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose titles look like code, with its tables and pictures."""
    folder = tmp_path_factory.mktemp("study")
    methods = {**fake_study.TITLES, "ssal": EVIL[2]}
    fake_study.write(folder, title=EVIL[1], methods=methods)
    done = run_here("tools/analysis/report.py", folder, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


class Cells(HTMLParser):
    """The text of every cell of every table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self._inside = tag in ("td", "th") or (self._inside and tag not in ("tr", "table"))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def test_every_number_and_every_picture_of_the_tables_is_in_the_page(made: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(made, tmp_path / "moved")
    html = write_study_page(moved)
    page, tables = html.read_text(encoding="utf-8"), (made / "tables.md").read_text()
    rows = [line for line in tables.splitlines() if line.startswith("|") and not line.startswith("|-")]
    expected = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    assert [cell.replace("`", "") for cell in Cells(page).cells] == [cell.replace("`", "") for cell in expected]
    pictures = [attributes for tag, attributes in Parts(page).tags if tag == "img"]
    files = re.findall(r"\]\((\S+\.png)\)", tables)
    assert len(pictures) == len(files) >= 6
    for attributes, name in zip(pictures, files, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(attributes["src"].partition(",")[2]))) as found:
            assert found.size == Image.open(made / name).size
    assert html.stat().st_size < 5e6 and "../" not in page
    assert [heading for heading in re.findall("### (.*)", tables) if heading not in Parts(page).text] == []
    assert json.dumps(json.loads((made / "study.json").read_text()))[:40] in Parts(page).text


def test_titles_stay_text_and_nothing_is_loaded(made: Path) -> None:
    parts = Parts(write_study_page(made).read_text(encoding="utf-8"))
    assert parts.text.count(EVIL[1]) >= 2 and EVIL[2] in parts.text
    assert not {"script", "onerror"} & {name for tag, known in parts.tags for name in (tag, *known)}
    addresses = [known[key] for _, known in parts.tags for key in ("src", "href") if key in known]
    assert all(address.startswith(("data:image/png", "#part")) for address in addresses)


def test_pictures_that_are_missing_damaged_or_elsewhere_are_named(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    (study / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    names = ("gone.png", "torn.png", "../private.png", "https://example.org/x.png")
    (study / "tables.md").write_text("## T\n\nText.\n\n" + "\n\n".join(f"![what {name}]({name})" for name in names))
    text = write_study_page(study).read_text(encoding="utf-8")
    assert "<img" not in text and text.count('class="missing"') == 4
    for words in ("gone.png cannot be read", "torn.png cannot be read", "private.png is not in the folder"):
        assert words in text


def test_without_tables_it_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tables\.md: cannot be read.*tools/analysis/report\.py"):
        write_study_page(tmp_path)
    assert not list(tmp_path.iterdir())

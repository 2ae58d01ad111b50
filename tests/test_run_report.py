"""report.html: that no text becomes code, that nothing is loaded, and that pictures and viewer are in it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from driver import browser, driven
from matplotlib.colors import to_rgb
from PIL import Image
from test_web_page import EVIL, Parts, content, walk_set_of, walks_of

from mmgaitemo.visualization.run_report import facts, folded, missing, paragraph, picture, table, viewer, write_report
from mmgaitemo.visualization.style import DPI, GREEN, PART_COLOURS, new_figure, save

OF_THE_PAGE = {"html", "head", "meta", "title", "style", "body", "header", "h1", "nav", "article", "footer"}
OF_SECTIONS = {"a", "section", "h2", "p", "strong", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"}
OF_SECTIONS |= {"details", "summary", "pre", "img", "iframe"}


@pytest.fixture
def green(tmp_path: Path) -> Path:
    """A picture of one inch by half an inch."""
    figure = new_figure(1.0, 0.5)
    figure.set_facecolor(GREEN)
    return save(figure, tmp_path / "green.png")


def frames(text: str) -> list[str]:
    """The pages in the frames of a page, as the browser reads them."""
    return [attributes["srcdoc"] for tag, attributes in Parts(text).tags if tag == "iframe"]


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_becomes_code_or_an_element(tmp_path: Path, green: Path, evil: str) -> None:
    walks = walk_set_of(walks_of(count=1), title=evil)
    sections = {
        evil: paragraph(evil) + missing(evil) + facts({evil: evil}) + table([evil], [[evil]]) + folded(evil, evil),
        "pictures": picture(green, evil) + viewer(walks),
    }
    text = write_report(tmp_path / "r.html", evil, sections, [evil]).read_text(encoding="utf-8")
    parts = Parts(text)
    assert {tag for tag, _ in parts.tags} == OF_THE_PAGE | OF_SECTIONS
    assert not any(name.startswith("on") for _, attributes in parts.tags for name in attributes)
    # Title (twice), contents, heading, footer, paragraph, missing, fact (twice), table (twice), folded (twice).
    assert parts.text.count(evil) == 13
    assert [dict(attributes)["alt"] for tag, attributes in parts.tags if tag == "img"] == [evil]
    assert {tag for tag, _ in Parts(frames(text)[0]).tags} >= {"canvas", "script"} and evil in Parts(
        frames(text)[0]
    ).text


def test_the_page_loads_nothing_and_allows_no_script_but_the_viewers(tmp_path: Path, green: Path) -> None:
    sections = {"a": viewer(walk_set_of(walks_of(count=1))), "b": picture(green, "green")}
    text = write_report(tmp_path / "r.html", "t", sections).read_text(encoding="utf-8")
    parts = Parts(text)
    addresses = [attributes[key] for _, attributes in parts.tags for key in ("src", "href") if key in attributes]
    assert addresses and all(address.startswith(("data:image/png;base64,", "#part")) for address in addresses)
    policy = next(attributes["content"] for tag, attributes in parts.tags if "http-equiv" in attributes)
    (script,) = (body for attributes, body in Parts(frames(text)[0]).scripts if not attributes)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy and policy.endswith(f"script-src 'sha256-{digest}'")
    (frame,) = (attributes for tag, attributes in parts.tags if tag == "iframe")
    assert frame["sandbox"] == "allow-scripts"
    assert len(content(frame["srcdoc"])["walks"]) == 1


def test_a_picture_is_in_the_page_in_the_size_it_was_drawn_for(green: Path) -> None:
    ((_, attributes),) = Parts(picture(green, "green")).tags
    with Image.open(io.BytesIO(base64.b64decode(attributes["src"].partition(",")[2]))) as found:
        assert found.size == (DPI, DPI // 2) and int(attributes["width"]) == 100
        colours = np.unique(np.asarray(found.convert("RGB")).reshape(-1, 3), axis=0)
    np.testing.assert_array_equal(colours, np.round(255 * np.array([to_rgb(GREEN)])))


def test_what_is_not_known_is_left_out_and_zero_is_known() -> None:
    assert re.findall(r"<dt>(\w+)</dt><dd>([^<]*)</dd>", facts({"a": None, "b": "", "c": 0, "d": "x"})) == [
        ("c", "0"),
        ("d", "x"),
    ]


def test_a_failing_write_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.html").write_text("old")

    def fail(source: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(tmp_path / "r.html", "t", {"a": paragraph("b")})
    assert os.listdir(tmp_path) == ["r.html"] and (tmp_path / "r.html").read_text() == "old"


@driven
def test_pictures_and_both_viewers_are_seen_and_the_console_stays_silent(tmp_path: Path, green: Path) -> None:
    walks = viewer(walk_set_of(walks_of(count=2)))
    sections = {"picture": picture(green, "green"), EVIL[1]: walks, "again": walks}
    html = write_report(tmp_path / "r.html", EVIL[3], sections)
    count = lambda part, colour: (part == np.round(255 * np.array(to_rgb(colour)))).all(axis=-1).sum()  # noqa: E731
    with browser(tmp_path) as window:
        window.resize(1080, 1000)
        window.open(html.as_uri())
        assert count(window.picture(), GREEN) == pytest.approx(100 * 50, rel=0.05)  # its corners are round
        for number in (1, 2):
            frame = f"#part{number} iframe"
            window.run("arguments[0].scrollIntoView()", window.find(frame))
            window.frame(frame)
            window.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            window.frame(None)
            for part in ("left_arm", "right_arm", "right_leg"):
                assert count(window.picture(), PART_COLOURS[part]) > 300, part
        assert window.messages() == []

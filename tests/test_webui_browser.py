"""The page in a real browser: drop a file, watch the walk, read the answer, keep the report; and every refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from driver import Browser, browser, driven
from inference_parts import walk
from matplotlib.colors import to_rgb
from test_web_page import EVIL
from webui_parts import ask, bvh, serving

from mmgaitemo.visualization.style import PART_COLOURS
from mmgaitemo.webui import WalkServer

pytestmark = driven


@pytest.fixture(scope="module")
def server() -> Iterator[WalkServer]:
    with serving(neighbour=EVIL[1]) as running:
        yield running


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.resize(1100, 1000)
        yield opened


def drawn(window: Browser) -> int:
    """Pixels in the colours of the limbs."""
    picture = window.picture()
    colours = [np.round(255 * np.array(to_rgb(PART_COLOURS[part]))) for part in ("left_arm", "right_arm", "left_leg")]
    return min(int((picture == colour).all(axis=-1).sum()) for colour in colours)


def refused(window: Browser, path: Path) -> str:
    """What the page says of a file, which is chosen while it is open."""
    window.run("document.getElementById('said').className = ''")
    window.type("#file", path)
    return str(window.wait("return document.querySelector('#said.error')?.textContent"))


def test_a_file_becomes_a_walk_that_plays_probabilities_reasons_neighbours_and_a_report(
    server: WalkServer, window: Browser, tmp_path: Path
) -> None:
    window.open(server.url)
    (tmp_path / "walk of a person.bvh").write_text(bvh())
    window.type("#file", tmp_path / "walk of a person.bvh")
    window.wait("return location.pathname.startsWith('/results/') && document.readyState == 'complete'")
    text = window.text()
    for words in ("walk of a person", "happy", "neutral", "What carried it", "Nearest training walks", EVIL[1]):
        assert words in text
    assert window.run("return document.querySelector('img').naturalWidth") > 1000  # timeline and attribution
    window.run("arguments[0].scrollIntoView()", window.find("iframe"))
    window.frame("iframe")
    window.wait("return state.panels[0].points.length == 16")
    assert "frame 1 of " in window.text() and drawn(window) > 300
    window.run("document.getElementById('play').click()")
    window.wait("return state.moment > 12")
    window.run("document.getElementById('play').click()")
    assert drawn(window) > 300
    window.frame(None)
    report = window.run("return [...document.links].find((link) => link.text == 'Download this page').pathname")
    status, page, headers = ask(server, "GET", report)
    assert status == 200 and "attachment" in headers["Content-Disposition"]
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    window.open((tmp_path / "report.html").as_uri())  # without the server
    window.run("arguments[0].scrollIntoView()", window.find("iframe"))
    window.frame("iframe")
    window.wait("return state.panels[0].points.length == 16")
    window.frame(None)
    assert EVIL[1] in window.text() and window.messages() == []


def test_each_file_that_is_refused_gets_its_reason_and_the_next_one_is_taken(
    server: WalkServer, window: Browser, tmp_path: Path
) -> None:
    window.open(server.url)
    with (tmp_path / "long.bvh").open("wb") as file:
        file.truncate(200_000_000)
    (tmp_path / "model.pth").write_bytes(b"PK\x03\x04 weights")
    (tmp_path / "empty.bvh").touch()
    (tmp_path / "broken.bvh").write_text(bvh()[:900])
    (tmp_path / "program.csv").write_bytes(b"\x7fELF\x02\0")
    said = {path.name: refused(window, path) for path in sorted(tmp_path.iterdir())}
    assert "uploads are limited to 50 MB. Found: 200 MB" in said["long.bvh"]
    assert "can run code" in said["model.pth"] and "is empty" in said["empty.bvh"]
    assert "is no text" in said["program.csv"] and "broken.bvh" in said["broken.bvh"]
    assert all("Remedy: " in text for text in said.values())
    sent = window.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(sent) == 4 and not any("long.bvh" in name for name in sent)  # that one is not sent at all
    (tmp_path / "walk.bvh").write_text(bvh())
    window.type("#file", tmp_path / "walk.bvh")
    window.wait("return location.pathname.startsWith('/results/')")


def test_a_file_can_be_dropped_and_what_the_user_says_of_it_goes_along(
    server: WalkServer, window: Browser, tmp_path: Path
) -> None:
    drop = """
        const data = new DataTransfer();
        data.items.add(new File([arguments[0]], arguments[1]));
        const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
        document.getElementById("drop").dispatchEvent(event);
        return event.defaultPrevented;
    """
    joints = server.inferencer.prepare.skeleton.joints
    table = [",".join(f"{joint}_{axis}" for joint in joints for axis in "xyz")]
    table += [",".join(map(str, pose.ravel())) for pose in walk(3.0)]
    window.open(server.url)
    assert window.run(drop, "\n".join(table), "walk.csv")
    said = window.wait("return document.querySelector('#said.error')?.textContent")
    assert "walk.csv" in said and "frame rate is not known" in said and "On this page, say it below" in said
    assert window.run("return document.activeElement.id") == "rate"  # the field is open, and waits for a number
    window.type("#rate", "30")
    window.run(drop, "\n".join(table), "<img src=x onerror=alert(1)>.csv")
    window.wait("return location.pathname.startsWith('/results/') && document.readyState == 'complete'")
    assert "<img src=x onerror=alert(1)>" in window.text()


def test_when_the_server_is_gone_the_page_says_so(server: WalkServer, window: Browser, tmp_path: Path) -> None:
    window.open(server.url)
    window.run("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")  # what a closed port gives
    (tmp_path / "walk.bvh").write_text(bvh())
    assert "The server does not answer (Failed to fetch)" in refused(window, tmp_path / "walk.bvh")

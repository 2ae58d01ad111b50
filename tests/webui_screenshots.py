"""Takes the pictures of docs/webui.md: python tests/webui_screenshots.py docs/images (needs chromedriver)."""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

import numpy as np
from bvh_files import xsens_text
from driver import Browser, browser

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.datasets.synthetic_walks import RATE, synthetic_walks
from mmgaitemo.skeleton import EGAIT16
from mmgaitemo.webui import WalkServer

SPEED = 1.2  # m/s; the made-up walkers are on the spot


def bvh() -> str:
    """Five cycles of a happy synthetic walker that the model has not met."""
    cycle = next(walk for walk in synthetic_walks(1, 1, seed=77) if "happy" in walk.id).positions
    positions = np.tile(cycle, (5, 1, 1))
    positions[..., 2] -= SPEED / RATE * np.arange(len(positions))[:, None]
    return xsens_text(positions, EGAIT16.joints)


def fit(window: Browser, first: str, last: str) -> None:
    """Show the page from the top of one element to the bottom of another."""
    ends = "const [a, b] = [...arguments].map((each) => document.querySelector(each).getBoundingClientRect());"
    window.resize(
        1100, round(window.run(f"{ends} return b.bottom - a.top + outerHeight - innerHeight + 28", first, last))
    )
    window.run(f"{ends} scrollTo(0, scrollY + a.top - 14)", first, last)


def take(window: Browser, url: str, walk: Path, folder: Path) -> None:
    """Upload a walk, and take a picture of each part of the page."""
    window.resize(1100, 760)
    window.open(url)
    window.picture(folder / "webui_start.png")
    window.type("#file", walk)
    window.wait("return location.pathname.startsWith('/results/') && document.readyState == 'complete'")
    fit(window, "header", "iframe")
    window.frame("iframe")
    window.wait("return state.panels[0].points.length")
    window.run("step(Math.floor(state.walk.frames / 2))")
    window.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    window.frame(None)
    window.picture(folder / "webui_walk.png")
    fit(window, "#part2", "#part2")
    window.picture(folder / "webui_reasons.png")
    window.resize(1100, 500)
    window.open(url)
    broken = walk.with_name("broken.bvh")
    broken.write_bytes(walk.read_bytes()[:2000])
    window.type("#file", broken)
    window.wait("return document.querySelector('#said.error')")
    window.picture(folder / "webui_refused.png")


def main() -> None:
    """Serve the demonstration model, and drive a browser over it."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary, WalkServer(GaitEmotionInferencer(), port=0) as server:
        walk = Path(temporary) / "happy synthetic walker.bvh"
        walk.write_text(bvh())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with browser(Path(temporary)) as window:
                take(window, server.url, walk, folder)
        finally:
            server.shutdown()


if __name__ == "__main__":
    main()

"""The interactive page: its numbers, that no text becomes code, and what it shows in a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton
from mmgaitemo.visualization.skeleton_plot import visible_joints
from mmgaitemo.visualization.style import PART_COLOURS
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet, camera
from mmgaitemo.visualization.web_page import page, write_page

VIEWS = ("general view s1", "general view s2", "strong view")
EVIL = (
    "<!--<script x",
    '</script><script>console.error("owned")</script>',
    '<img src="https://example.org/x.png" onerror="console.error(1)">',
    "</title><script>console.error(2)</script>",
    "\u2028]]>-->&lt;script&gt;@@DATA@@ é 人",
)


def walks_of(skeleton: Skeleton = EGAIT16, count: int = 3, frames: int = 48, views: int = 3) -> tuple[ShownWalk, ...]:
    """Walkers (random bodies in other layouts) with views of which the last has a masked leg and removed frames."""
    rng = np.random.default_rng(0)
    walks = []
    for number, walk in enumerate(synthetic_walks((count + 3) // 4, 1, seed=1)[:count]):
        body = np.resize(walk.positions, (frames, 16, 3)) - walk.positions[:1, :1]
        if skeleton is not EGAIT16:
            body = rng.normal(size=(1, skeleton.num_joints, 3)) + rng.normal(0, 0.1, (frames, skeleton.num_joints, 3))
        every = {name: body * (1 + 0.1 * k) for k, name in enumerate(VIEWS[:views])}
        last = every[VIEWS[views - 1]]
        last[:, list(skeleton.parts["left_leg"])] = 0
        last[2:5] = 0
        walks.append(ShownWalk(walk.id, every, MOODS[walk.label] if number else None, walk.person))
    return tuple(walks)


def walk_set_of(walks: tuple[ShownWalk, ...], **settings: object) -> WalkSet:
    return WalkSet(**{"title": "Walkers", "skeleton": EGAIT16, "walks": walks, "source": "made here"} | settings)


class Parts(HTMLParser):
    """What a browser would take for elements: scripts with their text, and all tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict, str]] = []
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            attributes, text = self.scripts.pop()
            self.scripts.append((attributes, text + data))
        elif self._open != "style":
            self.text += data


def content(text: str) -> dict:
    return next(json.loads(body) for attributes, body in Parts(text).scripts if attributes.get("id") == "data")


def decode(text: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4").reshape(shape)


# The file


@pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17], ids=lambda skeleton: skeleton.name)
def test_the_numbers_in_the_page_are_the_positions_and_masked_joints_are_none(skeleton: Skeleton) -> None:
    walks = walk_set_of(walks_of(skeleton), skeleton=skeleton)
    data = content(page(walks))
    assert data["joints"] == list(skeleton.joints) and data["parents"] == list(skeleton.parents)
    assert [part["joints"] for part in data["parts"]] == [list(joints) for joints in skeleton.parts.values()]
    for walk, shown in zip(walks.walks, data["walks"], strict=True):
        eye = camera(walk, skeleton)
        np.testing.assert_allclose(np.reshape(shown["axes"], (3, 3)), eye.axes)
        for (name, view), entry in zip(walk.views.items(), shown["views"], strict=True):
            found = decode(entry["positions"], view.shape)
            seen = np.array([visible_joints(pose, skeleton) for pose in view])
            np.testing.assert_array_equal(found[seen], view[seen].astype(np.float32))
            assert np.isnan(found[~seen]).all() and (view[~seen] == 0).all()
            np.testing.assert_allclose(decode(entry["path"], (len(view), 3)), eye.paths[name], rtol=1e-6, atol=1e-6)
        assert (~seen).any(axis=1).all() and (~seen).all(axis=1).sum() == 3


@pytest.mark.parametrize(
    "place", ["id", "label", "subject", "title", "source", "licence", "class_note", "unit", "view"]
)
def test_no_text_becomes_code_or_an_element(place: str) -> None:
    plain = page(walk_set_of(walks_of(count=1)))
    for evil in EVIL:
        fields = {"id": "a", "label": "b", "subject": "c"} | (
            {place: evil} if place in ("id", "label", "subject") else {}
        )
        views = {evil if place == "view" else name: view for name, view in walks_of(count=1)[0].views.items()}
        walk = ShownWalk(views=views, **fields)
        settings = {place: evil} if place in ("title", "source", "licence", "class_note", "unit") else {}
        text = page(walk_set_of((walk,), **settings))
        parts, clean = Parts(text), Parts(plain)
        assert [tag for tag, _ in parts.tags if tag != "p"] == [tag for tag, _ in clean.tags if tag != "p"]
        assert [body for attributes, body in parts.scripts if not attributes] == [
            body for attributes, body in clean.scripts if not attributes
        ]
        assert not re.search(
            "[<>&]", next(body for attributes, body in parts.scripts if attributes.get("id") == "data")
        )
        everything = parts.text + json.dumps(content(text), ensure_ascii=False)
        assert evil in everything or json.dumps(evil, ensure_ascii=False)[1:-1] in everything


def test_the_page_asks_for_nothing_and_only_its_own_script_may_run() -> None:
    text = page(walk_set_of(walks_of(count=1)))
    parts = Parts(text)
    assert not any({"src", "href", "action", "srcset"} & set(attributes) for _, attributes in parts.tags)
    assert not any(name.startswith("on") for _, attributes in parts.tags for name in attributes)
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(|eval\(|innerHTML", text)
    policy = next(attributes["content"] for tag, attributes in parts.tags if "http-equiv" in attributes)
    (script,) = (body for attributes, body in parts.scripts if not attributes)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy


def test_the_footer_names_source_licence_rate_precision_and_what_is_contested() -> None:
    settings = {"source": "Set A", "licence": "CC BY 4.0", "class_note": "names differ", "rate": 25.0, "unit": "cm"}
    text = Parts(page(walk_set_of(walks_of(count=1), **settings))).text
    for words in ("Set A", "CC BY 4.0", "names differ", "Frames a second: 25.", "Unit: cm", "32-bit"):
        assert words in text
    assert "Frames a second: not known; played at 30" in Parts(page(walk_set_of(walks_of(count=1)))).text


def test_the_same_walks_give_the_same_bytes_and_fifty_of_three_views_stay_below_3_mb(tmp_path: Path) -> None:
    walks = walk_set_of(walks_of(count=50))
    first, second = (write_page(tmp_path / name, walks) for name in ("a.html", "b.html"))
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 3e6


def test_a_failing_write_leaves_the_old_page_and_a_wrong_suffix_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.html").write_text("old")

    def fail(source: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_page(tmp_path / "w.html", walk_set_of(walks_of(count=1)))
    with pytest.raises(ConfigError, match=r"\.htm'.*end it in \.html"):
        write_page(tmp_path / "w.htm", walk_set_of(walks_of(count=1)))
    assert os.listdir(tmp_path) == ["w.html"] and (tmp_path / "w.html").read_text() == "old"


# In a browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,800"]
FLAGS += ["--enable-logging=stderr", "--v=0", "--force-color-profile=srgb"]
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed")


def browse(html: Path, folder: Path, *more: str) -> tuple[str, list[str]]:
    """(what it prints, messages on the console) of Chromium on a page."""
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", *more, html.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@in_a_browser
def test_the_page_opens_without_a_message_and_draws_the_limbs_of_each_view(tmp_path: Path) -> None:
    walks = walks_of(count=2)
    evil = ShownWalk(EVIL[1], walks[0].views, EVIL[2], EVIL[4])
    html = write_page(tmp_path / "w.html", walk_set_of((evil, walks[1]), title=EVIL[3], rate=30.0, ground=True))
    _, messages = browse(html, tmp_path, f"--screenshot={tmp_path / 's.png'}")
    assert messages == []
    picture = (imread(tmp_path / "s.png")[..., :3] * 255).round()
    assert picture.shape[:2] == (800, 1280)
    stage = picture[100:550, 286:]  # the canvases: right of the list, above captions and legend
    for number, panel in enumerate(np.array_split(stage, 3, axis=1)):
        for part in ("left_arm", "right_arm", "right_leg", "left_leg"):
            pixels = (panel == np.round(np.array(to_rgb(PART_COLOURS[part])) * 255)).all(axis=-1).sum()
            assert pixels == 0 if (number, part) == (2, "left_leg") else pixels > 150, (number, part)


# Chromium's virtual clock, by which the test need not wait, moves timers but not the pictures of the screen.
CLOCK = "<script>requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);</script>"
DRIVER = """
<script>
const press = (key, more) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
const seen = {}, read = (id) => document.getElementById(id).textContent;
const look = () => [...document.querySelectorAll("canvas")].slice(0, 3).map((canvas) => canvas.toDataURL());
const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
(async () => {
  await drawn();
  const first = look(), panel = state.panels[1];
  Object.assign(seen, { points: panel.points.map(([x, y]) => [x, y]), width: panel.width, height: panel.height });
  press("ArrowRight"); press("ArrowRight"); await drawn();
  seen.clock = read("clock"); seen.removed = read("panels");
  press("Home"); await drawn();
  seen.back = look().every((picture, i) => picture === first[i]);
  press("ArrowLeft", { shiftKey: true }); await drawn();
  seen.turned = look().every((picture, i) => picture !== first[i]);
  press("0"); press("-"); press("+"); press("0"); await drawn();
  seen.reset = look().every((picture, i) => picture === first[i]);
  for (let i = 0; i < 11; i++) press("j");
  await drawn();
  seen.joint = read("said");
  press("ArrowDown"); await drawn();
  seen.second = read("id");
  const search = document.getElementById("search");
  search.value = "SAD person000"; search.dispatchEvent(new Event("input"));
  seen.found = [...document.querySelectorAll("[role=option]")].map((item) => item.firstChild.textContent);
  press(" "); await new Promise((done) => setTimeout(done, 400));
  seen.played = read("clock");
  document.title = JSON.stringify(seen);
})();
</script></body>"""


@in_a_browser
def test_keys_step_orbit_name_joints_choose_walks_and_play(tmp_path: Path) -> None:
    walks = walks_of(count=4)
    text = page(walk_set_of(walks, rate=10.0))
    text = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", text, flags=re.DOTALL)
    (tmp_path / "w.html").write_text(
        text.replace("<head>", f"<head>{CLOCK}").replace("</body>", DRIVER), encoding="utf-8"
    )
    dom, messages = browse(tmp_path / "w.html", tmp_path, "--dump-dom", "--virtual-time-budget=5000")
    assert messages == []
    seen = json.loads(Parts(dom[dom.index("<title>") : dom.index("</title>")]).text)
    assert seen["clock"] == "frame 3 of 48 · 0.20 s"
    assert "this frame was removed" in seen["removed"] and "3 of 48 frames removed" in seen["removed"]
    # Where the joints are on the screen, against the camera of the other pictures: one scale for all of them.
    right, up, near = camera(walks[0], EGAIT16).followed(VIEWS[1], walks[0].views[VIEWS[1]])[0].T
    larger = 1 / (1 - near / (7 * camera(walks[0], EGAIT16).size))  # the perspective of an eye seven sizes away
    found = np.array(seen["points"]) - [seen["width"] / 2, seen["height"] / 2]
    expected = np.stack([right * larger, -up * larger], axis=1)
    scale = (found * expected).sum() / (expected**2).sum()
    np.testing.assert_allclose(found, scale * expected, atol=0.1)
    assert 0.5 * seen["height"] < np.ptp(found[:, 1]) < 0.95 * seen["height"]
    assert seen["back"] and seen["turned"] and seen["reset"]
    assert seen["joint"] == "left hip, missing in strong view"
    assert seen["second"] == walks[1].id
    assert seen["found"] == [walk.id for walk in walks if "sad" in walk.id]
    assert re.fullmatch(r"frame ([2-9]|1\d) of 48 · \d\.\d\d s", seen["played"])

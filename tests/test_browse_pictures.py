"""From where walks are seen, contact sheets and animations."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from PIL import Image

from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25
from mmgaitemo.visualization import animation
from mmgaitemo.visualization.animation import animate
from mmgaitemo.visualization.contact_sheet import draw_contact_sheet
from mmgaitemo.visualization.style import PART_COLOURS
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet, camera


def turned(positions: np.ndarray, yaw: float) -> np.ndarray:
    cos, sin = np.cos(yaw), np.sin(yaw)
    return positions @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T


def shown(count: int = 2, views: int = 1, frames: int = 12, **settings: object) -> WalkSet:
    """Synthetic walkers, standing still on their ground."""
    every = synthetic_walks((count + 3) // 4, 1, seed=1)[:count]
    walks = [
        ShownWalk(w.id, {f"view {k}": w.positions[:frames] for k in range(views)}, MOODS[w.label], w.person)
        for w in every
    ]
    return WalkSet(**{"title": "Walkers", "skeleton": EGAIT16, "walks": tuple(walks), "rate": 30.0} | settings)


def count_pixels(picture: np.ndarray, colour: str) -> int:
    return int((picture == np.round(np.array(to_rgb(colour)) * 255)).all(axis=-1).sum())


def read(path: Path) -> np.ndarray:
    return (imread(path)[..., :3] * 255).round().astype(int)


# What can be shown, and from where it is seen


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ([], "none to show"),
        ([{"a": np.ones((5, 15, 3))}], r"'a'.*\(5, 16, 3\).*\(5, 15, 3\)"),
        ([{"a": np.full((5, 16, 3), np.nan)}], "'a'.*NaN"),
        ([{"a": np.ones((5, 16, 3))}, {"b": np.ones((5, 16, 3))}], r"other views.*\['b'\]"),
        ([{"a": np.ones((5, 16, 3)), "b": np.ones((4, 16, 3))}], r"'b'.*\(4, 16, 3\)"),
    ],
)
def test_walks_that_cannot_be_shown_are_named(views: list, message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        WalkSet("t", EGAIT16, tuple(ShownWalk(f"walk{number}", view) for number, view in enumerate(views)))


@pytest.mark.parametrize("yaw", [0.5, 2.0, 4.0])
def test_a_walk_looks_the_same_whichever_way_it_goes_and_wherever(yaw: float) -> None:
    view = shown(1).walks[0].views["view 0"]
    there = turned(view, yaw) + [3, 0, -7]
    seen = [camera(ShownWalk("w", {"v": v}), EGAIT16).followed("v", v) for v in (view, there)]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-5)
    feet, head = EGAIT16.parts["left_leg"][-1], 3
    assert (seen[0][:, head, 1] > seen[0][:, feet, 1] + 1).all()  # upright
    np.testing.assert_allclose(seen[0][:, 0, 0], 0, atol=0.01)  # the root of every frame in the middle


def test_a_planar_recording_is_seen_as_it_was_filmed() -> None:
    view = np.zeros((4, COCO17.num_joints, 3))
    view[..., :2] = np.random.default_rng(0).normal(size=(4, COCO17.num_joints, 2))
    eye = camera(ShownWalk("w", {"v": view}), COCO17)
    np.testing.assert_allclose(view @ eye.rotation.T, view, atol=1e-12)
    body = shown(1).walks[0]
    for walk, skeleton in ((ShownWalk("w", {"v": view}), COCO17), (body, EGAIT16)):  # as the page puts it together
        eye = camera(walk, skeleton)
        (sin, low), (cos, high) = np.sin([eye.azimuth, eye.elevation]), np.cos([eye.azimuth, eye.elevation])
        turn = np.array([[-cos, 0, -sin], [0, 1, 0], [sin, 0, -cos]])
        tilt = np.array([[1, 0, 0], [0, high, -low], [0, low, high]])
        np.testing.assert_allclose(tilt @ turn @ eye.axes, eye.rotation, atol=1e-12)


def test_the_camera_goes_on_where_the_centre_is_masked() -> None:
    view = np.array(shown(1, frames=9).walks[0].views["view 0"]) + np.arange(1, 10)[:, None, None] * [0, 0, -0.1]
    whole = camera(ShownWalk("w", {"v": view}), EGAIT16)
    masked = view.copy()
    masked[3:5] = 0
    path = camera(ShownWalk("w", {"v": masked}), EGAIT16).paths["v"]
    np.testing.assert_allclose(path[:, [0, 2]], whole.paths["v"][:, [0, 2]], atol=0.02)


@pytest.mark.parametrize("scale", [0.001, 1, 37, 1000])
def test_the_ground_is_a_grid_of_round_numbers_under_the_feet(scale: float) -> None:
    view = shown(1).walks[0].views["view 0"] * scale + [scale, 0, 3 * scale]
    eye = camera(ShownWalk("w", {"v": view}), EGAIT16)
    assert float(f"{eye.step:e}".split("e")[0]) in (1, 2, 5) and 0.2 < eye.step / eye.size < 0.8
    lines = eye.ground("v", 0) @ eye.rotation @ eye.axes.T + eye.paths["v"][0]  # back to the axes of the walker
    np.testing.assert_allclose(lines[..., 1], eye.floor, atol=1e-6 * scale)
    fixed = np.where(np.ptp(lines[..., 0], axis=1) < np.ptp(lines[..., 2], axis=1), lines[:, 0, 0], lines[:, 0, 2])
    np.testing.assert_allclose(fixed / eye.step, np.round(fixed / eye.step), atol=1e-6)
    lowest = view[..., 1].min(axis=1)
    assert lowest.min() <= eye.floor <= lowest.max()


# Contact sheets


def test_a_contact_sheet_shows_every_limb_of_every_walk_and_is_the_same_each_time(tmp_path: Path) -> None:
    paths = [draw_contact_sheet(tmp_path / name, shown(6)) for name in ("a.png", "b.png")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    picture = read(paths[0])
    assert picture.shape[1] == 1800
    rows = picture[100:-90]
    for cell in (part for row in np.array_split(rows, 2) for part in np.array_split(row, 3, axis=1)):
        assert all(count_pixels(cell, colour) > 150 for colour in PART_COLOURS.values())
    views = read(draw_contact_sheet(tmp_path / "views.png", shown(2, views=3)))
    for cell in (part for row in np.array_split(views[140:-90], 2) for part in np.array_split(row, 3, axis=1)):
        assert all(count_pixels(cell, colour) > 150 for colour in PART_COLOURS.values())


def test_walks_share_a_scale_and_masked_parts_are_not_drawn(tmp_path: Path) -> None:
    walks = shown(3)
    half, masked = (np.array(walks.walks[0].views["view 0"]) for _ in range(2))
    masked[:, list(EGAIT16.parts["left_leg"])] = 0
    each = [replace(walks.walks[0], views={"v": view}) for view in (1.4 * half, half, masked)]
    cells = np.array_split(
        read(draw_contact_sheet(tmp_path / "s.png", replace(walks, walks=tuple(each))))[170:430], 3, 1
    )
    legs = [(cell == np.round(255 * np.array(to_rgb(PART_COLOURS["right_leg"])))).all(axis=-1) for cell in cells]
    tall, short = (np.ptp(np.flatnonzero(leg.any(axis=1))) for leg in legs[:2])
    assert tall / short == pytest.approx(1.4, rel=0.1)
    masked_leg = [count_pixels(cell, PART_COLOURS["left_leg"]) for cell in cells]
    assert min(masked_leg[:2]) > 50 and masked_leg[2] == 0


def test_one_walk_in_another_unit_does_not_make_the_others_vanish(tmp_path: Path) -> None:
    walks = shown(6)
    strange = replace(walks.walks[5], views={"view 0": 100 * walks.walks[5].views["view 0"]})
    pictures = [
        read(draw_contact_sheet(tmp_path / "s.png", each))
        for each in (walks, replace(walks, walks=(*walks.walks[:5], strange)))
    ]
    first = [count_pixels(picture[:500, :600], PART_COLOURS["left_leg"]) for picture in pictures]
    assert first[1] > 0.6 * first[0] > 100


def test_contact_sheets_survive_strange_texts_and_removed_views(tmp_path: Path) -> None:
    view = np.array(shown(1).walks[0].views["view 0"])
    strange = [ShownWalk("$x_{" * 40, {"a": view, "b": 0 * view}), ShownWalk("<b>\n$", {"a": 0 * view, "b": view})]
    walks = shown(walks=tuple(strange), title="$\\frac{", source="costs $5 " * 30, class_note="a note " * 40)
    picture = read(draw_contact_sheet(tmp_path / "s.png", walks))
    assert (picture[:, -6:] == 255).all() and count_pixels(picture, PART_COLOURS["left_arm"]) > 500
    assert animate(tmp_path / "s.gif", walks).stat().st_size > 1000


def test_too_many_walks_for_a_picture_are_refused(tmp_path: Path) -> None:
    for count, draw, name in ((61, draw_contact_sheet, "s.png"), (13, animate, "s.gif")):
        with pytest.raises(ConfigError, match=rf"at most \d+ walks.*{count}.*\.html"):
            draw(tmp_path / name, shown(count, frames=2))
    assert os.listdir(tmp_path) == []


# Animations


def gif(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Pictures and delays in milliseconds."""
    pictures, delays = [], []
    with Image.open(path) as film:
        for number in range(film.n_frames):
            film.seek(number)
            pictures.append(np.array(film.convert("RGB")))
            delays.append(film.info["duration"])
    return pictures, delays


def film_of(path: Path) -> tuple[list[np.ndarray], float]:
    reader = cv2.VideoCapture(str(path))
    pictures = []
    while (read := reader.read())[0]:
        pictures.append(read[1])
    return pictures, reader.get(cv2.CAP_PROP_FPS)


@pytest.mark.parametrize(("rate", "step"), [(30.0, 1), (25.0, 1), (60.0, 2), (120.0, 4), (None, 1)])
def test_a_gif_has_the_recordings_frames_and_lasts_as_long(rate: float | None, step: int, tmp_path: Path) -> None:
    pictures, delays = gif(animate(tmp_path / "w.gif", shown(1, frames=14, rate=rate)))
    assert len(pictures) == len(range(0, 14, step))
    assert sum(delays) == pytest.approx(1000 * len(pictures) * step / (rate or 30), abs=10) and min(delays) >= 20
    assert all((one != other).any() for one, other in pairwise(pictures))


def test_views_and_walks_stand_side_by_side_and_the_shorter_waits(tmp_path: Path) -> None:
    walks = shown(2, views=3, frames=6)
    longer = replace(walks.walks[1], views={k: np.tile(v, (2, 1, 1)) for k, v in walks.walks[1].views.items()})
    pictures, _ = gif(animate(tmp_path / "w.gif", replace(walks, walks=(walks.walks[0], longer))))
    assert len(pictures) == 12
    top, height = 60, pictures[0].shape[0]
    for cell in np.array_split(pictures[0], 3, axis=1):
        for row in (cell[top : height // 2], cell[height // 2 + 40 :]):
            assert all(count_pixels(row, colour) > 30 for colour in PART_COLOURS.values())
    assert (pictures[5][top : height // 2 - 10] == pictures[8][top : height // 2 - 10]).all()
    assert (pictures[5][height // 2 + 40 :] != pictures[10][height // 2 + 40 :]).any()


def test_an_mp4_has_as_many_frames_at_the_recordings_rate(tmp_path: Path) -> None:
    pictures, rate = film_of(animate(tmp_path / "w.mp4", shown(1, frames=10, rate=25.0, ground=True)))
    assert len(pictures) == 10 and rate == pytest.approx(25)
    assert all(picture.std() > 5 for picture in pictures) and (pictures[0] != pictures[5]).any()


def test_long_recordings_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "LONGEST", 5)
    written: list[str] = []
    plain = animation.write
    monkeypatch.setattr(animation, "write", lambda *args, **more: (written.append(args[3]), plain(*args, **more)))
    assert len(gif(animate(tmp_path / "w.gif", shown(1, frames=9)))[0]) == 5
    assert "frame 5 of 5, of 9" in written


@pytest.mark.parametrize("name", ["w.gif", "w.mp4"])
def test_a_failing_write_leaves_the_old_file_alone(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(b"old")

    def fail(source: Path, target: Path) -> None:
        assert Path(source).parent == tmp_path and Path(source).stat().st_size
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        animate(tmp_path / name, shown(1, frames=3))
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_bytes() == b"old"


def test_a_missing_codec_and_a_wrong_suffix_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        fourcc = staticmethod(lambda *_: 0)

        def __init__(self, *_: object) -> None:
            pass

        def isOpened(self) -> bool:
            return False

    monkeypatch.setattr(cv2, "VideoWriter", Closed)
    with pytest.raises(ConfigError, match=r"cannot write MP4.*\.gif or an \.html"):
        animate(tmp_path / "w.mp4", shown(1, frames=3))
    with pytest.raises(ConfigError, match=r"\.avi.*\.gif or \.mp4"):
        animate(tmp_path / "w.avi", shown(1, frames=3))
    assert os.listdir(tmp_path) == []


def test_other_layouts_are_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for skeleton in (KINECT25, COCO17):
        pose = rng.normal(size=(skeleton.num_joints, 3)) + 0.1 * rng.normal(size=(6, skeleton.num_joints, 3))
        walks = WalkSet("Others", skeleton, (ShownWalk("w", {"v": pose}),), ground=True)
        assert count_pixels(read(draw_contact_sheet(tmp_path / "s.png", walks)), PART_COLOURS["left_arm"]) > 300
        assert len(gif(animate(tmp_path / "s.gif", walks))[0]) == 6

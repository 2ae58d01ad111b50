"""Gait cycles: walks whose cycle is known, movements that are no walk, real walks, and the picture of it all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from puppet import puppet, turned

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.conversion.bvh import read_bvh
from mmgaitemo.conversion.joint_map import preset
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.motion.cycles import GaitCycles, autocorrelation, find_cycles, find_period, foot_swing
from mmgaitemo.motion.gaps import repair_gaps
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25
from mmgaitemo.visualization.cycles_plot import draw_cycles
from mmgaitemo.visualization.style import BLUE, VERMILLION

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / os.environ.get("MMGAITEMO_DATA", "../shared/data")
REAL = pytest.mark.skipif(not (DATA / "egait_own").is_dir(), reason=f"no real data in {DATA}: set MMGAITEMO_DATA")
Z_UP = replace(EGAIT16, name="z_up", up=2)
LAYOUTS = pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17, Z_UP], ids=lambda s: s.name)


def up_of(skeleton) -> str:
    return "xyz"[skeleton.up]


def check_whole(cycles: GaitCycles, positions: np.ndarray, period: float, least: int) -> None:
    """The period is right, and what the boundaries part are neighbouring cycles of that length within the walk."""
    assert cycles.period == pytest.approx(period, abs=0.25)
    assert cycles.regularity > 0.9
    assert len(cycles.starts) - 1 >= least
    assert 0 <= cycles.starts[0] < cycles.starts[-1] < len(positions)
    assert np.abs(np.diff(cycles.starts) - period).max() <= 1


@LAYOUTS
@pytest.mark.parametrize("period", [12.0, 27.3, 34.0, 71.5, 140.0])
@pytest.mark.parametrize("speed", [0.0, 0.04])
def test_known_period_is_found_on_the_spot_and_on_the_way(skeleton, period, speed):
    walk = puppet(skeleton, frames=round(3.4 * period), period=period, speed=speed)
    check_whole(find_cycles(walk, skeleton, up_of(skeleton)), walk, period, least=2)


@LAYOUTS
@pytest.mark.parametrize("limp", [0.3, 0.6, 0.9])
def test_a_limp_gives_the_stride_not_the_step(skeleton, limp):
    walk = puppet(skeleton, frames=140, period=40, limp=limp)
    check_whole(find_cycles(walk, skeleton, up_of(skeleton)), walk, 40, least=2)


@pytest.mark.parametrize("seed", range(3))
def test_synthetic_walkers_repeat_after_their_length(seed):
    for walk in synthetic_walks(2, 1, seed):
        tiled = np.tile(walk.positions, (3, 1, 1))
        check_whole(find_cycles(tiled, EGAIT16, "y"), tiled, len(walk.positions), least=2)


def test_ankles_are_found_in_every_layout():
    names = [[skeleton.joints[joint] for joint in skeleton.ankles] for skeleton in (EGAIT16, KINECT25, COCO17)]
    assert names == [["left_foot", "right_foot"], *[["left_ankle", "right_ankle"]] * 2]


def test_boundaries_are_where_one_foot_passes_the_other():
    walk = puppet(EGAIT16, frames=200, period=36, speed=0.04)
    cycles = find_cycles(walk, EGAIT16, "y")
    left, right = EGAIT16.ankles
    ahead = -(walk[:, left, 2] - walk[:, right, 2])  # the body faces -z
    ahead -= ahead.mean()
    sides = set()
    for start in cycles.starts:
        before, after = ahead[max(start - 3, 0)], ahead[start + 3]
        assert abs(ahead[start]) < 0.2 * ahead.max()
        sides.add((np.sign(before), np.sign(after)))
    assert sides in ({(-1, 1)}, {(1, -1)})


def test_the_signal_is_the_left_foot_ahead_whatever_the_heading_and_layout():
    for skeleton in (EGAIT16, KINECT25, COCO17, Z_UP):
        walk = puppet(skeleton, speed=0.04, limp=0.4)
        left, right = skeleton.ankles
        way = walk[-1, left] - walk[0, left]
        expected = (walk[:, left] - walk[:, right]) @ way / np.linalg.norm(way)
        for angle in (0.0, 1.0, 2.5, 4.0):
            signal = foot_swing(turned(walk, np.eye(3)[skeleton.up], angle), skeleton, up_of(skeleton))
            assert np.corrcoef(signal, expected)[0, 1] > 0.99


@pytest.mark.parametrize(
    "change",
    [
        lambda p: turned(p, np.array([0, 1.0, 0]), 2.1),
        lambda p: 39.4 * p + (500.0, -20.0, 7.0),
        lambda p: p + np.random.default_rng(0).normal(0, 0.03, p.shape),
        lambda p: np.concatenate([p[:60], p[60:120][:, list(EGAIT16.mirror)], p[120:]]),  # left taken for right a while
        lambda p: np.stack([turned(pose, np.array([0, 1.0, 0]), t / 30) for t, pose in enumerate(p)]),  # in circles
    ],
    ids=["heading", "unit and place", "noise", "swapped sides", "circles"],
)
def test_what_a_recording_adds_does_not_hide_the_cycle(change):
    walk = change(puppet(EGAIT16, frames=200, period=34))
    cycles = find_cycles(walk, EGAIT16, "y")
    assert cycles.period == pytest.approx(34, abs=0.5)
    assert len(cycles.starts) >= 4


def test_noise_does_not_make_the_feet_pass_twice():
    """At 120 frames per second the noise of a frame is larger than the movement from one to the next."""
    walk = puppet(EGAIT16, frames=700, period=136)
    noisy = walk + np.random.default_rng(0).normal(0, 0.04, walk.shape)
    assert len(find_cycles(noisy, EGAIT16, "y").starts) == len(find_cycles(walk, EGAIT16, "y").starts)


@pytest.mark.parametrize("view", ["side", "front", "oblique"])
def test_cycle_in_an_image(view):
    angle = {"side": np.pi / 2, "front": 0.0, "oblique": 0.8}[view]
    image = turned(puppet(COCO17, frames=160, period=34, speed=0.03), np.array([0, 1.0, 0]), angle)
    image = 200 * image * (1, -1, 0) + (600, 400, 0)
    assert find_cycles(image, COCO17, "-y").period == pytest.approx(34, abs=0.5)


# No guesses


def standing(noise: float, seed: int = 0, frames: int = 200) -> np.ndarray:
    return puppet(EGAIT16)[:1] + np.random.default_rng(seed).normal(0, noise, (frames, 16, 3))


@pytest.mark.parametrize(
    "walk",
    [
        puppet(EGAIT16, frames=34),  # a single cycle has nothing to be compared with
        puppet(EGAIT16, frames=45),
        puppet(EGAIT16)[:1],
        puppet(EGAIT16)[:0],
        np.repeat(puppet(EGAIT16)[:1], 100, axis=0),
        np.zeros((100, 16, 3)),
        np.linspace(0, 1, 100)[:, None, None] * puppet(EGAIT16)[99] + 1.0,  # grows
        puppet(EGAIT16)[:1] + 0.03 * (puppet(EGAIT16) - puppet(EGAIT16)[:1]),  # sways
        *[standing(noise, seed) for noise in (0.0, 0.01, 0.03) for seed in range(5)],
    ],
)
def test_what_is_no_repeated_walk_has_no_cycles(walk):
    cycles = find_cycles(walk, EGAIT16, "y")
    assert cycles.starts.shape == (0,)
    assert (cycles.period, cycles.regularity) == (0, 0)


@pytest.mark.parametrize(("wanders", "least"), [(True, 0.94), (False, 0.99)])
def test_noise_as_large_as_a_walk_is_hardly_ever_taken_for_one(wanders, least):
    rng, refused = np.random.default_rng(0), 0
    for _ in range(200):
        noise = rng.normal(0, 0.05 if wanders else 0.3, (120, 16, 3))
        noisy = puppet(EGAIT16)[:1] + (np.cumsum(noise, axis=0) if wanders else noise)
        refused += len(find_cycles(noisy, EGAIT16, "y").starts) == 0
    assert refused / 200 >= least


def test_a_stride_in_which_somebody_hesitates_is_in_no_run_of_cycles():
    walk = puppet(EGAIT16, frames=260, period=34)
    walk = np.insert(walk, [120] * 14, walk[120], axis=0)
    cycles = find_cycles(walk, EGAIT16, "y")
    assert len(cycles.starts) >= 3
    assert np.abs(np.diff(cycles.starts) - 34).max() <= 6


def test_the_pause_in_a_walk_is_in_no_cycle():
    walk = puppet(EGAIT16, frames=136, period=34)
    pause = np.repeat(walk[-1:], 90, axis=0)
    cycles = find_cycles(np.concatenate([walk, pause, walk]), EGAIT16, "y")
    assert cycles.period == pytest.approx(34, abs=0.5)
    assert len(cycles.starts) >= 3
    assert all(stop <= 140 or start >= 220 for start, stop in pairwise(cycles.starts))


def test_autocorrelation_is_the_correlation_of_overlapping_frames():
    signal = np.random.default_rng(0).normal(size=50)
    likeness = autocorrelation(signal)
    for lag in (0, 1, 7, 30, 49):
        a, b = signal[: 50 - lag], signal[lag:]
        assert likeness[lag] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))
    time = np.arange(300)
    period, height = find_period(
        autocorrelation(np.sin(2 * np.pi * time / 23.4) + 0.4 * np.sin(4 * np.pi * time / 23.4))
    )
    assert (period, height) == (pytest.approx(23.4, abs=0.05), pytest.approx(1, abs=0.01))


# Real walks


@REAL
def test_egait_gaits_repeat_after_their_length():
    with h5py.File(DATA / "egait_own/features.h5") as file:
        gaits = [file[key][()].reshape(-1, 16, 3) for key in sorted(file)]
    errors = [find_cycles(np.tile(gait, (3, 1, 1)), EGAIT16, "y").period - len(gait) for gait in gaits]
    assert len(errors) == 342
    assert np.abs(errors).max() <= 1


@REAL
def test_strides_of_motion_capture_are_those_of_people():
    joints, files = preset("bandai_namco"), sorted((DATA / "bandai_namco/data").glob("*.bvh"))
    assert len(files) == 35
    for path in files[::3]:
        motion = read_bvh(path)
        walk = joints.apply(motion.positions(), motion.names, path.name)
        cycles = find_cycles(walk, EGAIT16, "y")
        assert 0.9 < cycles.period / motion.rate < 1.3
        assert cycles.regularity > 0.9
        assert len(cycles.starts) - 1 >= len(walk) / cycles.period - 2


@REAL
def test_six_kinects_see_the_same_stride():
    with np.load(DATA / "pathogait/pathogait_s01-08.npz") as file:
        positions, ends = file["positions"], np.cumsum(file["length"])
        takes = list(zip(file["subject"], file["gait"], file["trial"], strict=True))
    periods = defaultdict(list)
    for index in range(600):
        walk = positions[ends[index - 1] if index else 0 : ends[index]]
        periods[takes[index]].append(find_cycles(repair_gaps(walk, 10, "walk").positions, EGAIT16, "z").period)
    found = np.array([period > 0 for group in periods.values() for period in group])
    assert found.mean() > 0.95
    spread = [p / np.median([q for q in group if q]) - 1 for group in periods.values() for p in group if p]
    assert np.mean(np.abs(spread) < 0.1) > 0.97


# The picture


def pixels(path: Path, colour: str) -> np.ndarray:
    return np.abs(imread(path)[..., :3] - np.array(to_rgb(colour))).max(axis=-1) < 0.02


def test_picture_shows_every_boundary(tmp_path):
    walk = puppet(KINECT25, frames=150, period=34, speed=0.03)[6:]
    cycles = find_cycles(walk, KINECT25, "y")
    path = draw_cycles(tmp_path / "a" / "cycles.png", walk, KINECT25, cycles, 30.0, "a walk, $5 and 100 %")
    upper = pixels(path, VERMILLION)[200:500]
    lines = np.flatnonzero(upper.sum(axis=0) > 100)
    assert np.count_nonzero(np.diff(lines, prepend=-9) > 3) == len(cycles.starts)


@pytest.mark.parametrize("walk", [puppet(EGAIT16, frames=34), standing(0.02), puppet(COCO17, frames=90) * (1, 1, 0)])
def test_picture_of_a_walk_without_cycles_still_shows_the_signal(tmp_path, walk):
    skeleton = COCO17 if walk.shape[1] == 17 else EGAIT16
    nothing = GaitCycles(np.zeros(0, dtype=np.int64), 0.0, 0.0)
    path = draw_cycles(tmp_path / "none.png", walk, skeleton, nothing, None, "")
    assert pixels(path, BLUE)[200:500].sum() > 1000


@pytest.mark.parametrize(
    ("walk", "error", "words"),
    [
        (puppet(EGAIT16) * np.nan, DataError, "NaN"),
        (puppet(COCO17), DataError, r"needs \(T, 16, 3\)"),
        (np.zeros((9, 16, 3)), DataError, "never move"),
    ],
)
def test_picture_of_what_is_no_walk_is_refused(tmp_path, walk, error, words):
    with pytest.raises(error, match=words):
        draw_cycles(tmp_path / "x.png", walk, EGAIT16, find_cycles(puppet(EGAIT16), EGAIT16, "y"), 30.0, "x")
    with pytest.raises(ConfigError, match="png"):
        draw_cycles(tmp_path / "x.jpg", puppet(EGAIT16), EGAIT16, find_cycles(puppet(EGAIT16), EGAIT16, "y"), None, "x")


def test_tool_draws_a_walk_of_an_archive(tmp_path):
    walk = turned(puppet(EGAIT16, frames=120), np.array([1.0, 0, 0]), np.pi / 2)
    info = ArchiveInfo(skeleton="egait16", unit="m", up="z", rate=30.0)
    with ArchiveWriter(tmp_path / "walks.gait.h5", info) as archive:
        archive.append(walk, id="one")
        archive.append(walk[:20], id="two")

    tool = [sys.executable, str(ROOT / "tools/analysis/draw_cycles.py"), "walks.gait.h5", "out.png", "--id", "one"]
    done = subprocess.run(tool, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "3 whole gait cycle(s), period 34.0 frames" in done.stdout
    assert pixels(tmp_path / "out.png", VERMILLION).any()

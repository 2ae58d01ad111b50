"""Gaps, rates, axes and windows: against SciPy, against formulas, and on hidden pieces of real walks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from puppet import puppet, turned
from scipy.interpolate import Akima1DInterpolator
from scipy.signal import firwin, resample_poly

from mmgaitemo.archive import UP_AXES
from mmgaitemo.errors import DataError
from mmgaitemo.motion.axes import upright
from mmgaitemo.motion.cycles import GaitCycles
from mmgaitemo.motion.gaps import repair_gaps
from mmgaitemo.motion.resampling import resample_rate
from mmgaitemo.motion.windows import cycle_windows, fixed_windows
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25

DATA = Path(os.environ.get("MMGAITEMO_DATA", Path(__file__).resolve().parents[1] / "../shared/data"))
Z_UP = replace(EGAIT16, name="z_up", up=2)
SIDEWAYS_Z = replace(EGAIT16, name="sideways_z", lateral=2)
RATES = pytest.mark.parametrize(
    ("old", "new"), [(120, 30), (30, 120), (60, 25), (29.97, 30), (30, 29.97), (59.94, 30), (100, 30), (30, 60)]
)


def waves(frames: int, rate: float, hertz: float, seed: int = 0) -> np.ndarray:
    """(T, 2, 3): sines of one frequency, each of its own phase."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, (2, 3))
    return np.sin(2 * np.pi * hertz * np.arange(frames)[:, None, None] / rate + phase)


# Gaps


def test_walk_without_gaps_is_left_alone():
    walk = puppet(EGAIT16)
    repaired = repair_gaps(walk, 0, "walk")
    assert np.array_equal(repaired.positions, walk)
    assert (repaired.first, repaired.values, repaired.longest) == (0, 0, 0)


def test_inner_gaps_follow_akima_through_the_frames_that_are_known_and_nothing_else_changes():
    walk = puppet(EGAIT16, frames=60)
    holes = [(3, 10, 14), (3, 30, 31), (9, 40, 50)]
    broken = walk.copy()
    for joint, start, stop in holes:
        broken[start:stop, joint, joint % 3] = np.nan  # one coordinate is enough
    repaired = repair_gaps(broken, 10, "walk")
    assert (repaired.first, repaired.values, repaired.longest) == (0, 15, 10)
    expected = walk.copy()
    for joint in (3, 9):
        known = ~np.isnan(broken[:, joint]).any(axis=1)
        curve = Akima1DInterpolator(np.flatnonzero(known), walk[known, joint])
        expected[~known, joint] = curve(np.flatnonzero(~known))
    assert np.allclose(repaired.positions, expected, atol=1e-12)
    assert np.abs(repaired.positions - walk).max() < 0.1
    assert np.isnan(broken).sum() == 15  # the input is the caller's


def test_straight_movement_is_restored_exactly_even_from_two_frames():
    line = np.arange(6.0)[:, None, None] * np.ones((1, 16, 3)) + np.arange(16)[:, None]
    broken = line.copy()
    broken[1:5, 7] = np.nan
    assert np.allclose(repair_gaps(broken, 4, "walk").positions, line)


def test_incomplete_ends_are_cut_off_and_joints_there_are_filled_from_frames_that_go():
    walk = puppet(EGAIT16, frames=50)
    broken = walk.copy()
    broken[:4, 2] = np.nan
    broken[1:6, 5] = np.nan  # known in frame 0, which is cut off
    broken[47:, 8] = np.nan
    repaired = repair_gaps(broken, 5, "walk")
    assert (repaired.first, len(repaired.positions), repaired.values, repaired.longest) == (4, 43, 5, 5)
    assert np.isfinite(repaired.positions).all()
    assert np.array_equal(repaired.positions[2:], walk[6:47])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: p[20:26, 4], ["joint 4", "6 frames on end", "up to 5"]),
        (lambda p: p[:6, 4], ["joint 4", "6 frames"]),
        (lambda p: p[-6:, 4], ["6 frames"]),
        (lambda p: p[:, 4], ["joint 4", "40 of 40"]),
        (lambda p: p, ["joint 0", "40 of 40"]),
    ],
)
def test_longer_gaps_are_refused_by_name(spoil, words):
    walk = puppet(EGAIT16, frames=40)
    spoil(walk)[:] = np.nan
    with pytest.raises(DataError) as caught:
        repair_gaps(walk, 5, "recording 'a7'")
    assert all(word in str(caught.value) for word in ["recording 'a7'", "Remedy", *words]), caught.value


def test_too_little_left_is_refused():
    walk = puppet(EGAIT16, frames=6)
    walk[:3, 1], walk[4:, 2] = np.nan, np.nan
    with pytest.raises(DataError, match="fewer than two frames"):
        repair_gaps(walk, 5, "walk")


@pytest.mark.parametrize("unit", [1.0, 100.0])
def test_joint_nowhere_near_the_body_is_missing_and_a_long_reach_is_not(unit):
    walk = unit * (puppet(EGAIT16, speed=0.05) + (300.0, 0, -40.0))  # far from the origin is no fault
    broken = walk.copy()
    broken[30, 6] += unit * np.array([0, 193.0, 0])
    repaired = repair_gaps(broken, 10, "walk")
    assert (repaired.values, repaired.longest) == (1, 1)
    assert np.abs(repaired.positions - walk).max() < 0.01 * unit
    broken[30, 6] = walk[30, 6] + unit * np.array([0, 2.0, 0])
    assert repair_gaps(broken, 10, "walk").values == 0


def test_frames_without_anybody_do_not_make_the_body_a_stray():
    walk = puppet(EGAIT16, frames=40)
    walk[5:30] = 0.0
    assert np.array_equal(repair_gaps(walk, 10, "walk").positions, walk)


# Rates


@RATES
def test_slow_movement_keeps_its_values_at_the_new_instants(old, new):
    before = waves(round(6 * old), old, 1.3)
    after = resample_rate(before, old, new)
    expected = waves(len(after), new, 1.3)
    assert np.abs(after - expected)[8:-8].max() < 1e-3
    assert np.abs(after - expected).max() < 5e-3  # the ends do not ring
    assert (len(after) - 1) / new <= (len(before) - 1) / old + 1e-9 < len(after) / new  # whole, and nothing invented


@pytest.mark.parametrize(("old", "new"), [(120, 30), (60, 25), (59.94, 30), (100, 30)])
@pytest.mark.parametrize("above", [1.02, 1.2, 1.6])
def test_movement_too_fast_for_the_new_rate_does_not_come_back_as_slow_one(old, new, above):
    fast = waves(round(6 * old), old, above * new / 2)
    after = resample_rate(fast, old, new)
    assert np.abs(after[20:-20]).max() < 10 ** (-30 / 20)
    assert np.abs(after).max() <= np.abs(fast).max() * 1.2


@RATES
def test_standing_and_even_travel_stay_what_they_are_to_the_ends(old, new):
    time = np.arange(200) / old
    line = np.stack([np.full(200, 7.0), 3 - 2 * time], axis=1)
    after = resample_rate(line, old, new)
    instants = np.arange(len(after)) / new
    assert np.allclose(after, np.stack([np.full(len(after), 7.0), 3 - 2 * instants], axis=1), atol=1e-4)
    assert np.allclose(after[0], line[0])


@pytest.mark.parametrize(("old", "new"), [(120, 30), (30, 90)])
def test_no_lag_forwards_and_backwards_in_time_give_the_same(old, new):
    walk = puppet(EGAIT16, frames=121)
    assert np.allclose(resample_rate(walk[::-1], old, new), resample_rate(walk, old, new)[::-1], atol=1e-9)


def test_agrees_with_scipy_inside_a_walk():
    walk = puppet(EGAIT16, frames=400, speed=0.02)
    ours = resample_rate(walk, 120, 30)
    theirs = resample_poly(walk, 1, 4, axis=0, window=firwin(129, 0.85 / 4, window=("kaiser", 7.86)), padtype="line")
    assert np.allclose(ours[10:-10], theirs[10:-10], atol=5e-4)


def test_equal_rates_change_nothing_and_whole_multiples_keep_the_old_frames():
    walk = puppet(EGAIT16, frames=80)
    assert np.array_equal(resample_rate(walk, 30, 30), walk)
    finer = resample_rate(walk, 30, 90)
    assert len(finer) == 3 * 79 + 1
    assert np.allclose(finer[::3], walk, atol=1e-12)
    assert len(resample_rate(walk[:61], 59.94, 29.97)) == 31  # 60 * 29.97 / 59.94 is a little less than 30


@pytest.mark.parametrize("shape", [(1, 16, 3), (2, 16, 3), (5, 16), (40,)])
def test_any_shape_and_very_short_recordings(shape):
    values = np.random.default_rng(0).normal(size=shape)
    for new in (3.0, 45.0):
        after = resample_rate(values, 30.0, new)
        assert after.shape[1:] == shape[1:]
        assert np.isfinite(after).all()
        assert np.allclose(after[0], values[0])


@pytest.mark.parametrize(("old", "new"), [(0, 30), (-30, 30), (np.nan, 30), (30, np.inf), (1e-9, 30), (30, 1e5)])
def test_impossible_rates_are_refused(old, new):
    with pytest.raises(DataError, match="frames per second"):
        resample_rate(np.zeros((10, 16, 3)), old, new)


@pytest.mark.skipif(not (DATA / "egait_own").is_dir(), reason=f"no real data in {DATA}: set MMGAITEMO_DATA")
def test_real_walks_up_and_down_again():
    with h5py.File(DATA / "egait_own/features.h5") as file:
        walks = [np.tile(file[key][()].reshape(-1, 16, 3), (3, 1, 1)) for key in sorted(file)[::20]]
    for walk in walks:
        height = np.ptp(walk[..., 1])
        for between in (60, 120):
            back = resample_rate(resample_rate(walk, 30, between), between, 30)
            assert back.shape == walk.shape
            assert np.abs(back - walk).mean() < 0.003 * height


# Axes


@pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17, Z_UP, SIDEWAYS_Z], ids=lambda s: s.name)
@pytest.mark.parametrize("up", UP_AXES)
def test_upright_is_a_turn_that_brings_up_to_the_layouts_axis(skeleton, up):
    turn = upright(np.eye(3)[None], up, skeleton)[0].T  # images of the axes, as columns
    source = np.eye(3)["xyz".index(up[-1])] * (-1 if up[0] == "-" else 1)
    assert np.array_equal(turn @ source, np.eye(3)[skeleton.up])
    assert np.linalg.det(turn) == pytest.approx(1)  # no mirror: left stays left
    assert np.array_equal(turn @ turn.T, np.eye(3))
    walk = np.random.default_rng(0).normal(size=(4, skeleton.num_joints, 3))
    before = walk.copy()
    assert np.array_equal(upright(walk, up, skeleton), walk @ turn.T)
    assert np.array_equal(walk, before)


def test_image_is_turned_upright_about_its_horizontal_axis_and_stays_flat():
    image = np.array([[[3.0, 5.0, 0.0]]])
    assert np.array_equal(upright(image, "-y", COCO17), [[[3.0, -5.0, 0.0]]])


def test_kinect_floor_recording_comes_out_as_a_plain_turn():
    walk = puppet(EGAIT16)
    recorded = turned(walk, np.array([1.0, 0, 0]), np.pi / 2)  # y to z
    assert np.allclose(upright(recorded, "z", EGAIT16), walk)


# Windows


@pytest.mark.parametrize(("frames", "length", "overlap"), [(100, 48, 0), (100, 48, 24), (48, 48, 0), (47, 48, 0)])
@pytest.mark.parametrize("more", [0, 5])
def test_fixed_windows_are_all_that_fit_at_even_distances(frames, length, overlap, more):
    frames += more
    windows = fixed_windows(frames, length, overlap)
    assert [w.start for w in windows] == [s for s in range(0, frames, length - overlap) if s + length <= frames]
    assert all(w.stop - w.start == length for w in windows)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_cycle_windows_are_whole_cycles_that_do_not_overlap(count):
    starts = np.array([3, 30, 61, 90, 122, 150])
    windows = cycle_windows(GaitCycles(starts, 29.4, 0.9), count)
    assert len(windows) == 5 // count
    for number, window in enumerate(windows):
        assert (window.start, window.stop) == (starts[number * count], starts[(number + 1) * count])
    assert cycle_windows(GaitCycles(starts[:0], 0.0, 0.0), count) == []

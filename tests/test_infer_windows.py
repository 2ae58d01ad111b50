"""From a recording to windows: whole cycles wherever someone walks, and what the pipeline makes of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from inference_parts import normal_pipeline, walk
from puppet import puppet

from mmgaitemo.apis.inputs import Take
from mmgaitemo.apis.windows import Preparation, overlapping, whole_cycles
from mmgaitemo.errors import DataError
from mmgaitemo.skeleton import EGAIT16

NORMAL = normal_pipeline()


def preparation(frames: int = 48, **steps: object) -> Preparation:
    pipeline = {**NORMAL, **steps}
    return Preparation(pipeline, EGAIT16, 30.0, frames)


def take(positions: np.ndarray, rate: float | None = 30.0) -> Take:
    return Take("take", "array", positions, EGAIT16, rate, "y")


def lengths(windows: list[slice]) -> list[int]:
    return [window.stop - window.start for window in windows]


def standing(frames: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return puppet(EGAIT16, 1) + 1e-4 * rng.normal(size=(frames, 16, 3))


@pytest.mark.parametrize("count", [1, 2])
def test_windows_are_whole_cycles_one_after_the_other(count: int) -> None:
    windows = whole_cycles(puppet(EGAIT16, 300, period=33), EGAIT16, count, 30)
    assert all(abs(length - 33 * count) <= 1 for length in lengths(windows))
    assert all(before.stop == after.start for before, after in pairwise(windows))
    assert len(windows) >= 300 // (33 * count) - 1


def test_walks_are_found_on_both_sides_of_a_halt_of_any_length() -> None:
    walking = puppet(EGAIT16, 200, period=33)
    for halt in (60, 300, 2000):
        recording = np.concatenate([walking, standing(halt), walking])
        windows = whole_cycles(recording, EGAIT16, 1, 30)
        middle = [(window.start + window.stop) / 2 for window in windows]
        assert sum(place < 200 for place in middle) >= 4 and sum(place > 200 + halt for place in middle) >= 4
        assert not any(200 + 20 < place < 200 + halt - 20 for place in middle)
        assert all(abs(length - 33) <= 3 for length in lengths(windows))
        assert windows == sorted(windows, key=lambda window: window.start)


def test_walks_are_found_where_the_cadence_changes() -> None:
    """As a whole such a recording has no rhythm."""
    recording = np.concatenate([puppet(EGAIT16, 210, period=46), puppet(EGAIT16, 210, period=29)])
    windows = whole_cycles(recording, EGAIT16, 1, 30)
    early = [window.stop - window.start for window in windows if window.stop <= 210]
    late = [window.stop - window.start for window in windows if window.start >= 210]
    assert len(early) >= 3 and all(abs(length - 46) <= 2 for length in early)
    assert len(late) >= 4 and all(abs(length - 29) <= 2 for length in late)


@pytest.mark.parametrize(("frames", "length"), [(10, 48), (48, 48), (49, 48), (100, 48), (240, 48), (100, 5)])
def test_overlapping_windows_cover_every_frame(frames: int, length: int) -> None:
    windows = overlapping(frames, length)
    covered = np.zeros(frames, dtype=int)
    for window in windows:
        covered[window] += 1
        assert window.stop - window.start == min(length, frames)
    assert covered.all() and windows[0].start == 0 and windows[-1].stop == frames


def test_what_is_done_to_a_recording_is_said() -> None:
    positions = walk(rate=60)
    positions[30:33, 4] = np.nan
    positions[:6, 7] = np.nan
    prepared = preparation()(take(positions, 60))
    text = " ".join(prepared.walk.repairs)
    assert "3 joint positions interpolated" in text and "6 frames" in text and "from 60 to 30 Hz" in text
    assert prepared.walk.begin_s == pytest.approx(6 / 60)
    assert np.isfinite(prepared.inputs.numpy()).all()
    assert preparation()(take(walk())).walk.repairs == ()


def test_without_cycles_windows_are_even_and_that_is_said() -> None:
    prepared = preparation(frames=40)(take(standing(100)))
    assert prepared.windows == overlapping(100, 40)
    assert "no gait cycle" in prepared.walk.repairs[-1]
    assert "taken whole" in preparation()(take(walk(1.1))).walk.repairs[-1]


@pytest.mark.parametrize(
    "time",
    [
        {"type": "TileCyclic", "length": 48},
        {"type": "TileCyclic", "length": 24, "stride": 2},
        {"type": "Resample", "length": 30},
    ],
    ids=str,
)
def test_clocks_tell_which_frame_the_network_sees(time: dict) -> None:
    prepared = Preparation({"order": ("t", "pack"), "t": time, "pack": {"type": "PackGait"}}, EGAIT16, 30.0, 48)(
        take(walk())
    )
    for window, inputs, clock in zip(prepared.windows, prepared.inputs, prepared.clocks, strict=True):
        before = np.floor(clock).astype(int)
        after = np.minimum(before + 1, window.stop - 1)
        share = (clock - before)[:, None, None]
        shown = (1 - share) * prepared.walk.positions[before] + share * prepared.walk.positions[after]
        np.testing.assert_allclose(inputs.permute(1, 2, 0).numpy(), shown, atol=1e-5)


def test_a_pipeline_of_archives_does_nothing_twice() -> None:
    archive = {
        **{name: step for name, step in NORMAL.items() if name != "order"},
        "order": ("rate", "up", "cycles", *NORMAL["order"]),
        "rate": {"type": "ResampleRate", "rate": 30},
        "up": {"type": "Upright"},
        "cycles": {"type": "WholeCycles", "count": 1},
    }
    plain, same = preparation()(take(walk())), Preparation(archive, EGAIT16, 30.0, 48)(take(walk()))
    assert same.windows == plain.windows
    np.testing.assert_array_equal(same.inputs.numpy(), plain.inputs.numpy())
    np.testing.assert_array_equal(same.clocks, plain.clocks)
    two = Preparation({**archive, "cycles": {"type": "WholeCycles", "count": 2}}, EGAIT16, 30.0, 48)(take(walk()))
    assert all(abs(length - 66) <= 2 for length in lengths(two.windows))


def test_rounded_frame_times_are_whole_rates() -> None:
    same = [preparation()(take(walk(), rate)).inputs.numpy() for rate in (30.0, 1 / 0.0333333, 1 / 0.03333)]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])
    assert preparation()(take(walk(), 29.97)).walk.repairs == ("resampled from 29.97 to 30 Hz",)


def spinning() -> np.ndarray:
    """Stands for 48 frames and turns full circle in them."""
    spinning = standing(48)
    angle = np.linspace(0, 2 * np.pi, len(spinning), endpoint=False)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, z = spinning[..., 0].copy(), spinning[..., 2].copy()
    spinning[..., 0], spinning[..., 2] = cos * x + sin * z, cos * z - sin * x
    return spinning


def test_a_window_that_is_no_walk_is_left_out_unless_there_is_no_other() -> None:
    with pytest.raises(DataError, match=r"sample 'take'.*full circle"):
        preparation()(take(spinning()))
    prepared = preparation()(take(np.concatenate([spinning(), standing(48)])))
    assert prepared.windows == [slice(24, 72), slice(48, 96)] and len(prepared.inputs) == 2
    assert "1 windows left out" in prepared.walk.repairs[-1] and "full circle" in prepared.walk.repairs[-1]

"""The way of every converter: what is repaired, what is refused, what is written, and when nothing is."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mmgaitemo.archive import ArchiveInfo, GaitArchive
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError

INFO = ArchiveInfo(skeleton="egait16", unit="m", up="y")
WALKS = synthetic_walks(2, 1, seed=0)


def recording(number: int = 0, **changes: object) -> Recording:
    """Three cycles of a synthetic walker at 30 Hz."""
    walk = WALKS[number]
    values = dict(id=walk.id, positions=np.tile(walk.positions, (3, 1, 1)), rate=30.0, subject=walk.person, label="a")
    return Recording(**{**values, **changes})


def source(name: str, *recordings: Recording) -> Source:
    return Source(name, lambda: recordings)


def broken(name: str) -> Source:
    def read() -> Iterator[Recording]:
        yield recording(7)
        raise DataError(name, "no walk at all", remedy="throw it away")

    return Source(name, read)


Convert = Callable[..., int]


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    def run(*sources: Source, options: str = "", info: ArchiveInfo = INFO) -> int:
        parser = argparse.ArgumentParser()
        add_conversion_arguments(parser)
        return run_conversion(parser.parse_args([str(tmp_path / "a.gait.h5"), *options.split()]), sources, info)

    return run


def test_recordings_become_walks_of_an_archive(convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert(source("x", recording(0), recording(1, label="b")), source("y", recording(2, label=None))) == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.ids == [walk.id for walk in WALKS[:3]]
        assert archive.info.rate == 30.0
        assert archive.info.label_names == ("a", "b")
        assert archive.labels.tolist() == [0, 1, -1]
        assert np.allclose(archive.positions(1), np.tile(WALKS[1].positions, (3, 1, 1)), atol=1e-6)
    printed = capsys.readouterr().out
    for word in ("(unlabelled)", "30 Hz (3)", "3 taken, 0 refused", "none needed", "written:"):
        assert word in printed


def test_a_refusal_writes_nothing_unless_allowed(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    sources = source("x", recording(0)), broken("bad.file"), source("z", recording(1))
    assert convert(*sources) == 1
    assert list(tmp_path.iterdir()) == []
    assert "refused  bad.file: no walk at all" in capsys.readouterr().out
    assert convert(*sources, options="--allow-refused") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.ids == [WALKS[number].id for number in (0, 7, 1)]


def test_a_dry_run_finds_the_same_and_writes_nothing(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    twice = source("x", recording(0)), source("y", recording(0))
    assert convert(*twice, options="--dry-run") == 1
    assert "used before" in capsys.readouterr().out
    assert convert(source("x", recording(0)), options="--dry-run") == 0
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_without_force(convert: Convert, tmp_path: Path) -> None:
    convert(source("x", recording(0)))
    with pytest.raises(ConfigError, match="exists already"):
        convert(source("x", recording(1)))
    assert convert(source("x", recording(1)), options="--force") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.ids == [WALKS[1].id]


def gap(start: int, stop: int, joint: int = 5) -> np.ndarray:
    positions = recording().positions.copy()
    positions[start:stop, joint, 1] = np.nan
    return positions


def test_short_gaps_are_interpolated_and_long_ones_refused(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert convert(source("x", recording(positions=gap(20, 23)))) == 0
    printed = capsys.readouterr().out
    assert "3 joints interpolated and 0 frames cut off in 1 recordings, the longest 3 frames" in printed
    assert f"repaired  {WALKS[0].id}: 3 joints" in printed
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert np.abs(archive.positions(0) - recording().positions).max() < 0.02  # of a body height
    assert convert(source("x", recording(positions=gap(20, 40))), options="--force") == 1
    assert "missing in 20 frames" in capsys.readouterr().out
    assert convert(source("x", recording(positions=gap(20, 40))), options="--force --max-gap 20") == 0


def test_missing_frames_at_the_ends_are_cut_off(convert: Convert, tmp_path: Path) -> None:
    score = np.arange(len(recording().positions))[:, None] * np.ones(16)
    assert convert(source("x", recording(positions=gap(0, 4), score=score))) == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert np.allclose(archive.positions(0), recording().positions[4:], atol=1e-6)


def test_windows_are_cut_and_what_is_left_is_counted(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    frames = len(recording().positions)
    assert convert(source("x", recording()), options="--window 40 --overlap 10") == 0
    starts = list(range(0, frames - 39, 30))
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.ids == [f"{WALKS[0].id}@{start}" for start in starts]
        assert archive.extra["first_frame"] == starts
        assert archive.lengths.tolist() == [40] * len(starts)
        assert np.allclose(archive.positions(1), recording().positions[30:70], atol=1e-6)
    assert f"{frames - starts[-1] - 40} (outside" in capsys.readouterr().out
    assert convert(source("x", recording()), options="--window 4000 --force") == 1
    assert "has no room for a window of 4000 frames" in capsys.readouterr().out


def test_whole_gait_cycles_are_cut(convert: Convert, tmp_path: Path) -> None:
    assert convert(source("x", recording()), options="--cycles 1") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert np.abs(archive.lengths - len(WALKS[0].positions)).max() <= 1


def test_rates_are_common_or_made_so(convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    slow, fast = recording(0, rate=30.0003), recording(1, rate=60.0)
    assert convert(source("x", slow, fast)) == 1
    assert "its rate is not that of the recordings before" in capsys.readouterr().out
    assert convert(source("x", slow, fast), options="--rate 30") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.info.rate == 30.0
        assert archive.lengths[1] == (len(fast.positions) + 1) // 2
    at_sixty = ArchiveInfo(skeleton="egait16", unit="m", up="y", rate=60.0)
    assert convert(source("x", fast), options="--rate 30 --force", info=at_sixty) == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.info.rate == 30.0
    assert convert(source("x", recording(rate=None)), options="--rate 30 --force") == 1
    assert "its rate is not known" in capsys.readouterr().out
    assert convert(source("x", recording(rate=None)), options="--force") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.info.rate is None


def test_scores_stay_in_their_range_and_walks_are_taken_whole_or_not_at_all(convert: Convert, tmp_path: Path) -> None:
    frames = len(recording().positions)
    score = np.random.default_rng(0).integers(0, 2, (frames, 16)).astype(float)
    assert convert(source("x", recording(score=score)), options="--rate 25") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        kept = archive.score(0)
        assert kept is not None
        assert 0 <= kept.min() < kept.max() <= 1
    score[-1, 3] = np.nan
    other = recording(1, score=np.ones((len(recording(1).positions), 16)))
    assert convert(source("x", recording(score=score), other), options="--window 20 --force --allow-refused") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert {name.split("@")[0] for name in archive.ids} == {other.id}


@pytest.mark.parametrize(
    "changes",
    [
        dict(positions=np.zeros((9, 15, 3))),
        dict(positions=np.zeros((1, 16, 3))),
        dict(positions=np.full((9, 16, 3), np.nan)),
        dict(positions=np.full((9, 16, 3), np.inf)),
        dict(positions=np.full((9, 16, 3), 1e20)),
        dict(label=""),
        dict(id=""),
    ],
)
def test_what_is_no_walk_is_refused(convert: Convert, tmp_path: Path, changes: dict) -> None:
    assert convert(source("x", recording(**changes))) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        "--max-gap -1",
        "--rate 0",
        "--window 1",
        "--window 9 --overlap 9",
        "--overlap 1",
        "--cycles 0",
        "--cycles 1 --window 9",
    ],
)
def test_impossible_options_are_refused(convert: Convert, options: str) -> None:
    with pytest.raises(ConfigError, match="is impossible"):
        convert(source("x", recording()), options=options)


def test_nothing_to_convert_is_said(convert: Convert) -> None:
    with pytest.raises(ConfigError, match="nothing to convert"):
        convert()


SLOW = """
import argparse, sys, time
import numpy as np
from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion

def read():
    for number in range(1000):
        yield Recording(str(number), np.random.rand(50, 16, 3), 30.0)
        print("read", flush=True)
        time.sleep(0.05)

parser = argparse.ArgumentParser()
add_conversion_arguments(parser)
sys.exit(run_conversion(parser.parse_args(), [Source("x", read)], ArchiveInfo("egait16", "m", "y")))
"""


def test_an_interrupted_conversion_leaves_nothing(tmp_path: Path) -> None:
    started = {}
    for number in (signal.SIGINT, signal.SIGTERM):  # side by side, for most of it is starting Python
        folder = tmp_path / number.name
        folder.mkdir()
        command = [sys.executable, "-c", SLOW, str(folder / "a.gait.h5")]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        started[number] = process, folder
    for number, (process, folder) in started.items():
        assert process.stdout is not None
        process.stdout.readline()
        assert any(folder.iterdir())
        process.send_signal(number)
        assert process.wait(timeout=20) != 0
        time.sleep(0.1)
        assert list(folder.iterdir()) == []

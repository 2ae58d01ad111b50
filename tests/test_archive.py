"""The gait archive: what goes in comes out, whole or not at all; whatever is damaged is refused in plain words."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter, GaitArchive
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17

INFO = ArchiveInfo(
    skeleton="egait16", unit="m", up="y", rate=30.0, label_names=("sad", "glad"), source="made up", licence="none"
)


def walk(frames: int, seed: int = 0, joints: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, joints, 3))


def write(path: Path, info: ArchiveInfo = INFO, walks: int = 5, **options: Any) -> list[np.ndarray]:
    made = [walk(10 + 7 * number, number) for number in range(walks)]
    with ArchiveWriter(path, info, **options) as archive:
        for number, positions in enumerate(made):
            label = [None, "sad", "glad"][number % 3]
            archive.append(
                positions, id=f"w{number}", subject=f"p{number // 2}", label=label, extra={"take": number, "note": "ä"}
            )
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "walks.gait.h5"


def test_what_goes_in_comes_out(path: Path) -> None:
    made = write(path, dtype="float64")
    with GaitArchive(path) as archive:
        assert archive.info == INFO
        assert len(archive) == 5
        assert archive.ids == ["w0", "w1", "w2", "w3", "w4"]
        assert archive.subjects == archive.groups == ["p0", "p0", "p1", "p1", "p2"]
        assert archive.labels.tolist() == [-1, 0, 1, -1, 0]
        assert archive.extra == {"take": [0, 1, 2, 3, 4], "note": ["ä"] * 5}
        assert archive.score(2) is None
        for index, positions in enumerate(made):
            assert np.array_equal(archive.positions(index), positions)
        assert all(map(np.array_equal, archive.iterate(), made))
        order = [3, 0, 1, 4]
        assert all(map(np.array_equal, archive.iterate(order), (made[index] for index in order)))


def test_coordinates_are_float32_unless_asked(path: Path) -> None:
    made = write(path)
    with GaitArchive(path) as archive:
        assert archive.positions(0).dtype == np.float32
        assert np.array_equal(archive.positions(1), made[1].astype(np.float32))


def test_plain_hdf5_shows_the_documented_fields(path: Path) -> None:
    """As docs/archive.md lists them, with nothing but h5py and no pickled object in it."""
    write(path)
    with h5py.File(path) as file:
        assert set(file) == {"positions", "length", "id", "subject", "label", "group", "extra"}
        assert set(file.attrs) == {
            *("format", "version", "skeleton", "joints", "rate", "unit", "up", "label_names", "source", "licence")
        }
        assert file["positions"].shape == (file["length"][()].sum(), 16, 3)
        kinds = {file[name].dtype.kind for name in ("positions", "length", "label")}
        assert kinds == {"f", "i"}
        assert all(h5py.check_string_dtype(file[name].dtype) for name in ("id", "subject", "group", "extra/note"))


def test_label_names_default_to_those_that_occur(path: Path) -> None:
    with ArchiveWriter(path, ArchiveInfo(skeleton="egait16", unit="m", up="z")) as archive:
        for number, label in enumerate(("b", "a", None)):
            archive.append(walk(9), id=str(number), label=label)
    with GaitArchive(path) as archive:
        assert archive.info.label_names == ("a", "b")
        assert archive.labels.tolist() == [1, 0, -1]
        assert archive.info.rate is None
        assert archive.groups == ["0", "1", "2"]  # nobody shares a walk whose person is unknown


def test_scores_are_kept_beside_the_coordinates(path: Path) -> None:
    score = np.random.default_rng(0).random((9, COCO17.num_joints)).astype(np.float32)
    with ArchiveWriter(path, ArchiveInfo(skeleton="coco17", unit="pixel", up="-y")) as archive:
        archive.append(walk(9, joints=17), id="a", score=score)
        with pytest.raises(DataError, match="all walks have scores or none"):
            archive.append(walk(9, joints=17), id="b")
    with GaitArchive(path) as archive:
        assert np.array_equal(archive.score(0), score)
    with h5py.File(path, "r+") as file:
        file["score"][3, 2] = np.nan
    with GaitArchive(path) as archive, pytest.raises(DataError, match="a score is not a finite number"):
        archive.score(0)
    with h5py.File(path, "r+") as file:
        del file["score"]
        file["score"] = score[:-1]
    with pytest.raises(DataError, match="one score"):
        GaitArchive(path)


def test_a_full_disk_ends_in_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(ConfigError, match="the disk is full"):
        write(path)
    assert list(path.parent.iterdir()) == []


def test_labels_that_are_no_labels_are_refused_before_the_end(path: Path) -> None:
    with ArchiveWriter(path, ArchiveInfo("egait16", "m", "y")) as archive:
        for number in range(1000):
            archive.append(walk(2), id=str(number), label=f"label{number}")
        with pytest.raises(DataError, match="more than 1000 labels"):
            archive.append(walk(2), id="one more", label="one more")
    with GaitArchive(path) as archive:
        assert len(archive.info.label_names) == 1000


def test_indices_count_from_the_end_as_in_a_list(path: Path) -> None:
    made = write(path, dtype="float64")
    with GaitArchive(path) as archive:
        assert np.array_equal(archive.positions(-1), made[-1])
        assert all(map(np.array_equal, archive.iterate([-2, -1]), made[-2:]))
        with pytest.raises(IndexError):
            archive.positions(5)


def test_an_error_leaves_nothing(path: Path) -> None:
    with pytest.raises(RuntimeError), ArchiveWriter(path, INFO) as archive:
        archive.append(walk(9), id="a")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []


def test_no_walk_no_archive(path: Path) -> None:
    with pytest.raises(DataError, match="no walk"), ArchiveWriter(path, INFO):
        pass
    assert list(path.parent.iterdir()) == []


def test_an_archive_is_replaced_only_by_force_and_only_when_the_new_one_is_whole(path: Path) -> None:
    write(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        ArchiveWriter(path, INFO)
    with pytest.raises(RuntimeError), ArchiveWriter(path, INFO, force=True) as archive:
        archive.append(walk(9), id="a")
        raise RuntimeError
    assert path.read_bytes() == before
    write(path, walks=1, force=True)
    with GaitArchive(path) as archive:
        assert archive.ids == ["w0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(positions=walk(1)), "T of at least 2"),
        (dict(positions=walk(9, joints=17)), r"needs positions \(T, 16, 3\)"),
        (dict(positions=np.full((9, 16, 3), np.nan)), "no finite number"),
        (dict(positions=np.full((9, 16, 3), 1e30)), "no finite number"),
        (dict(id="w"), "used before"),
        (dict(id=""), "empty"),
        (dict(label="angry"), "no such label"),
        (dict(extra={}), "other extra columns"),
        (dict(extra={"take": 2**70}), "beyond 64 bits"),
        (dict(extra={"take/1": 1}), "cannot be called so"),
        (dict(subject="a\0b"), "text cannot be stored"),
        (dict(id="\udc80"), "text cannot be stored"),
        (dict(score=np.full((9, 16), 1e39)), "scores"),
    ],
)
def test_a_walk_that_is_none_is_refused_and_the_others_stay(path: Path, change: dict, message: str) -> None:
    good = dict(positions=walk(9), id="w", label="sad", extra={"take": 1})
    with ArchiveWriter(path, INFO) as archive:
        archive.append(**good)
        with pytest.raises(DataError, match=message):
            archive.append(**{**good, "id": "v", **change})
    with GaitArchive(path) as archive:
        assert archive.ids == ["w"]


@pytest.mark.parametrize("name", ["walks.h5", ".gait.h5", "folder.gait.h5"])
def test_a_name_that_is_none_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.gait.h5").mkdir()
    with pytest.raises(ConfigError):
        ArchiveWriter(tmp_path / name, INFO)


@pytest.mark.parametrize(
    "change",
    [
        dict(unit="furlong"),
        dict(up="north"),
        dict(rate=0.0),
        dict(rate=float("nan")),
        dict(label_names=("a", "a")),
        dict(skeleton="octopus"),
    ],
)
def test_impossible_attributes_are_refused(change: dict) -> None:
    with pytest.raises(ConfigError):
        ArchiveInfo(**{"skeleton": "egait16", "unit": "m", "up": "y", **change})


def test_memory_stays_flat(path: Path) -> None:
    """Writing and reading 400 MB takes less than a quarter of it."""
    block = np.zeros((2000, 16, 3), np.float32)
    tracemalloc.start()
    with ArchiveWriter(path, INFO) as archive:
        for number in range(1000):
            archive.append(block, id=str(number))
    with GaitArchive(path) as archive:
        assert sum(len(positions) for positions in archive.iterate()) == 2_000_000
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()

"""Keypoints in CSV, NPY, NPZ and JSON: the same walk comes out of every form, and what is no walk is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from converter_runs import converter

from mmgaitemo.archive import ArchiveInfo, GaitArchive
from mmgaitemo.conversion.column_map import ColumnMap, load_column_map
from mmgaitemo.conversion.tables import Table, read_table
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25

WALK = synthetic_walks(1, 1, seed=0)[0].positions.astype(np.float64)[:20]
BASE = {"skeleton": "egait16", "unit": "m", "up": "y", "rate": 30}
COCO = {"skeleton": "coco17", "unit": "pixel", "up": "-y", "channels": ["x", "y", "score"]}
main = converter("generic")


class Files:
    """A folder of input, a column map, and the archive that comes of them."""

    def __init__(self, folder: Path) -> None:
        self.input, self.map, self.out = folder / "in", folder / "map.json", folder / "out" / "a.gait.h5"
        self.input.mkdir()

    def text(self, name: str, text: str, encoding: str = "utf-8") -> None:
        (self.input / name).write_bytes(text.encode(encoding))

    def convert(self, column_map: dict[str, Any], *options: str | Path) -> GaitArchive:
        self.map.write_text(json.dumps(column_map))
        assert main(self.input, self.out, "--columns", self.map, "--force", *options) == 0
        return GaitArchive(self.out)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


Load = Callable[..., ColumnMap]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a column map, and maybe a joint map, from files of the given content."""

    def load(content: dict[str, Any], joint_map: dict[str, Any] | None = None) -> ColumnMap:
        for name, keys in (("columns.json", content), ("joints.json", joint_map)):
            (tmp_path / name).write_text(json.dumps(keys))
        return load_column_map(tmp_path / "columns.json", tmp_path / "joints.json" if joint_map else None)

    return load


def csv_text(values: np.ndarray, header: list[str], delimiter: str = ",", end: str = "\n") -> str:
    rows = [header, *([repr(float(value)) for value in row] for row in values.reshape(len(values), -1))]
    return end.join(delimiter.join(row) for row in rows) + end


PLAIN = [f"{joint}_{axis}" for joint in EGAIT16.joints for axis in "xyz"]


def shuffled_csv(files: Files) -> dict[str, Any]:
    """Columns in any order under other names, further ones between, semicolons, quotes, a byte order mark, CRLF."""
    order = np.random.default_rng(0).permutation(48)
    names = [f'"{EGAIT16.joints[index // 3]} ({"ABC"[index % 3]})"' for index in order]
    table = np.insert(WALK.reshape(-1, 48)[:, order], 7, 99, axis=1)
    files.text("w.csv", csv_text(table, [*names[:7], "time", *names[7:]], ";", "\r\n") + "\r\n", "utf-8-sig")
    return {"columns": {j: [f"{j} ({c})" for c in "ABC"] for j in EGAIT16.joints}, "delimiter": ";"}


def array_file(make: Callable[[np.ndarray], np.ndarray], **keys: Any) -> Callable[[Files], dict[str, Any]]:
    def write(files: Files) -> dict[str, Any]:
        np.save(files.input / "w.npy", make(WALK))
        return keys

    return write


def text_file(name: str, make: Callable[[], str], **keys: Any) -> Callable[[Files], dict[str, Any]]:
    def write(files: Files) -> dict[str, Any]:
        files.text(name, make())
        return keys

    return write


FORMS = {
    "csv": text_file("w.csv", lambda: csv_text(WALK, PLAIN)),
    "shuffled csv": shuffled_csv,
    "bare csv": text_file("w.csv", lambda: csv_text(WALK, []).lstrip("\n"), header=False),
    "csv, TCV": text_file("w.csv", lambda: csv_text(WALK, PLAIN), axes="TCV"),
    "npy": array_file(lambda walk: walk),
    "npy, single": array_file(lambda walk: walk.astype(np.float32)),
    "npy, big-endian": array_file(lambda walk: walk.astype(">f4")),
    "npy, Fortran": array_file(np.asfortranarray),
    "npy, flat": array_file(lambda walk: walk.reshape(-1, 48), axes="T(VC)"),
    "npy, TCV": array_file(lambda walk: walk.transpose(0, 2, 1), axes="TCV"),
    "npy, other order": array_file(lambda walk: walk[:, ::-1], joints=[*EGAIT16.joints[::-1]]),
    "npy, z first": array_file(lambda walk: walk[..., ::-1], channels=["Z", "Y", "X"]),
    "json": text_file("w.json", lambda: json.dumps({"fps": 30, "frames": WALK.tolist()})),
    "json, keypoints": text_file(
        "w.json",
        lambda: json.dumps([{"keypoints": f.ravel().tolist(), "image_id": f"{i}.jpg"} for i, f in enumerate(WALK)]),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_walk(files: Files, form: str) -> None:
    with files.convert({**BASE, **FORMS[form](files)}) as archive:
        assert archive.ids == ["w"]
        assert archive.info == ArchiveInfo("egait16", "m", "y", rate=30.0)
        assert np.array_equal(archive.positions(0), WALK.astype(np.float32))
        assert archive.extra["source_file"] == [next(files.input.iterdir()).name]


def test_arrays_of_one_file_are_recordings_of_one_group(files: Files) -> None:
    np.savez_compressed(files.input / "two.npz", a=WALK, b=WALK[:10])
    with files.convert(BASE) as archive:
        assert archive.ids == ["two/a", "two/b"]
        assert archive.lengths.tolist() == [20, 10]
        assert archive.groups == ["two", "two"]  # nobody says that they are two persons
    with files.convert(BASE, "--pattern", r"/(?P<subject>\w)") as archive:
        assert (archive.subjects, archive.groups) == (["a", "b"], ["a", "b"])
    with files.convert({**BASE, "array": "b"}) as archive:
        assert archive.ids == ["two"]
        assert archive.lengths.tolist() == [10]


def test_pattern_and_table_name_what_is_shown(files: Files, tmp_path: Path) -> None:
    (files.input / "p1").mkdir()
    np.save(files.input / "p1" / "sad_2.npy", WALK)
    with files.convert(BASE, "--pattern", r"(?P<subject>\w+)/(?P<label>[a-z]+)_(?P<take>\d)") as archive:
        assert (archive.ids, archive.subjects, archive.info.label_names) == (["p1/sad_2"], ["p1"], ("sad",))
        assert archive.extra["take"] == ["2"]
    table = tmp_path / "walks.csv"
    table.write_text("file,label,group,age\np1/sad_2.npy,happy,house,33\n")
    with files.convert(BASE, "--table", table) as archive:
        assert (archive.groups, archive.info.label_names, archive.extra["age"]) == (["house"], ("happy",), ["33"])
    table.write_text("file,label\np1/other.npy,happy\n")
    with pytest.raises(DataError, match="must list exactly the files"):
        files.convert(BASE, "--table", table)


# ---- what is missing ------------------------------------------------------------------------------------------------


def coco_frames() -> np.ndarray:
    """(T, 17, 3) x, y, score of bodies in an image; all scores are 0.9."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(100, 900, (20, 17, 2)).round(2), np.full((20, 17, 1), 0.9)], axis=-1)


def test_coco_keypoints_keep_their_scores_and_lie_in_a_plane(files: Files) -> None:
    frames = coco_frames()
    files.text("w.json", json.dumps([{"keypoints": frame.ravel().tolist(), "score": 2.5} for frame in frames]))
    with files.convert(COCO) as archive:
        positions = archive.positions(0)
        assert archive.info.rate is None
        assert (archive.info.unit, archive.info.up) == ("pixel", "-y")
        assert np.array_equal(positions[..., :2], frames[..., :2].astype(np.float32))
        assert not positions[..., 2].any()
    with h5py.File(files.out) as file:
        assert np.allclose(file["score"], 0.9)


def test_what_a_detector_did_not_see_is_missing(load: Load) -> None:
    column_map = load(COCO | {"min_score": 0.5})
    frames = coco_frames()
    frames[3, 4] = 0  # how COCO writes what it did not see
    frames[4, 5, 2] = 0.4  # too doubtful
    frames[5, 6, 0] = 0  # at the border of the image, and seen
    frames[6] = 0  # nobody
    frames[7, 8, 2] = np.nan
    positions, score = column_map.arrange(frames, "here")
    missing = np.isnan(positions).any(axis=-1)
    expected = np.zeros((20, 17), dtype=bool)
    expected[3, 4] = expected[4, 5] = expected[7, 8] = True
    expected[6] = True
    assert np.array_equal(missing, expected)
    assert score is not None
    assert np.isfinite(score).all()
    assert np.isnan(load(COCO).arrange(frames, "here")[0]).any(axis=-1).sum() == 18  # 0.4 will do; a NaN score is 0


def test_a_frame_of_zeros_shows_nobody_and_a_joint_at_the_origin_is_one(load: Load) -> None:
    walk = WALK - WALK[:, :1]  # the root is the origin
    walk[5] = 0
    missing = np.isnan(load(BASE).arrange(walk, "here")[0]).any(axis=-1)
    assert (missing[5].all(), missing.sum()) == (True, 16)


def test_empty_cells_and_nulls_are_gaps_to_be_filled(files: Files, load: Load) -> None:
    rows = csv_text(WALK, PLAIN).splitlines()
    for line, text in ((5, ""), (6, " NaN "), (7, "null")):
        cells = rows[line].split(",")
        cells[21] = text  # of the left hand
        rows[line] = ",".join(cells)
    files.text("a.csv", "\n".join(rows))
    nested = WALK.tolist()
    nested[4][7], nested[5][7][0], nested[6] = None, None, None
    files.text("b.json", json.dumps({"frames": nested}))
    for name, count in (("a.csv", 3), ("b.json", 2 + 16)):
        table = read_table(Table(files.input / name), load(BASE))
        assert np.isnan(load(BASE).arrange(table, "x")[0]).any(axis=-1).sum() == count
    with files.convert(BASE) as archive:
        for index in (0, 1):
            moved = np.linalg.norm(archive.positions(index) - WALK, axis=-1)
            assert 0 < moved[4:7].max() < 0.02  # of a body height
            moved[4:7] = 0
            assert moved.max() < 1e-6


# ---- other joints ---------------------------------------------------------------------------------------------------


def test_a_joint_map_reduces_other_joints(load: Load) -> None:
    chosen = {joint: ["left_hip", "right_hip"] if joint == "root" else "nose" for joint in EGAIT16.joints}
    joint_map = {"skeleton": "egait16", "unit": "pixel", "up": "-y", "scale": 2, "joints": chosen}
    column_map = load({"channels": ["x", "y", "score"], "joints": "coco17"}, joint_map)
    frames = coco_frames()
    hips = [COCO17.joints.index(f"{side}_hip") for side in ("left", "right")]
    frames[:, hips[0], 2] = 0.5
    positions, score = column_map.arrange(frames, "here")
    assert np.allclose(positions[:, 0, :2], 2 * frames[:, hips, :2].mean(axis=1))
    assert np.allclose(positions[:, 5, :2], 2 * frames[:, 0, :2])
    assert score is not None
    assert np.allclose(score[:, 0], 0.7)
    assert np.allclose(score[:, 1:], 0.9)
    for keys, word in (({}, "joints"), ({"joints": "coco17", "unit": "m"}, "unknown keys")):
        with pytest.raises(ConfigError, match=word):
            load(keys, joint_map)


def test_kinect_joints_go_by_the_name_of_their_layout(load: Load) -> None:
    column_map = load({"skeleton": "kinect25", "unit": "m", "up": "y"})
    assert column_map.joints == KINECT25.joints
    walk = np.random.default_rng(0).normal(size=(9, 25, 3))
    assert np.array_equal(column_map.arrange(walk, "here")[0], walk)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("skeleton", dict(skeleton=None)),
        ("skeleton", dict(skeleton="egait17")),
        ("unit", dict(unit="furlong")),
        ("up", dict(up="Y")),
        ("rate", dict(rate=0)),
        ("rate", dict(rate=True)),
        ("rate", dict(rate="30")),
        ("channels", dict(channels=["x", "z"])),
        ("channels", dict(channels=["x", "X", "y"])),
        ("channels", dict(channels=["x", "y", "score", "other"])),
        ("channels", dict(channels="xyz")),
        ("axes", dict(axes="VTC")),
        ("axes", dict(axes=["TVC"])),
        ("header", dict(header=1)),
        ("delimiter", dict(delimiter="|")),
        ("array", dict(array=3)),
        ("min_score", dict(min_score=0.3)),
        ("min_score", dict(min_score="x")),
        ("joints", dict(joints=["root"])),
        ("joints", dict(joints=["root"] * 16)),
        ("joints", dict(joints=[*EGAIT16.joints[:-1], "tail"])),
        ("joints", dict(joints="coco17")),
        ("columns", dict(columns="{joint}")),
        ("columns", dict(columns={"root": ["x", "y", "z"]}, joints="egait16")),
        ("columns", dict(columns={joint: ["x", "y", "z"] for joint in EGAIT16.joints})),
        ("columns", dict(columns={joint: "xyz" for joint in EGAIT16.joints})),
        ("columns", dict(columns="{joint}:{axis}", header=False)),
        ("licence", dict(licence=None)),
        ("unknown keys", dict(fps=30)),
    ],
)
def test_a_wrong_map_names_its_key(load: Load, key: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load({**BASE, **changes})
    assert key in str(caught.value)
    assert "Remedy: " in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"unit": "m", "unit": "cm"}', "[" * 100000, "\udc80", "9" * 5000])
def test_a_map_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match="Remedy"):
        load_column_map(tmp_path / "map.json")

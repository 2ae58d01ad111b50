"""tools/dataset_converters/bvh.py: walks, labels and persons of BVH files as they should be, or nothing at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bvh_files import POSITIONS, Joint, bvh_text, write, xsens_text
from commands import as_program
from converter_runs import converter, run_converter
from runs import ROOT

from mmgaitemo.archive import GaitArchive
from mmgaitemo.conversion.joint_map import preset
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17, EGAIT16

REAL = Path(os.environ.get("MMGAITEMO_DATA", ROOT.parent / "shared" / "data")) / "bandai_namco" / "data"
PATTERN = r"(?P<subject>[^/]+)/(cross/)?(?P<label>[a-z]+)_(?P<take>[0-9]+)(?P<shoes>_barefoot)?\.(bvh|BVH)$"
NAMES = ["anna/happy_01.bvh", "anna/sad_02_barefoot.bvh", "bo/cross/happy_01.bvh", "bo/sad_01.BVH"]
WALKS = dict(zip(NAMES, (walk.positions for walk in synthetic_walks(1, 1, seed=0)), strict=True))
TABLE = ["file,label,subject,group,day", *(f"{name},L{n},S{n},,{n}" for n, name in enumerate(NAMES))]

Convert = Callable[..., int]


@pytest.fixture(scope="module")
def tool() -> Convert:
    return converter("bvh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four walks on the skeleton of Xsens, two persons, in folders."""
    for name, walk in WALKS.items():
        write(tmp_path / "lab" / name, xsens_text(walk, EGAIT16.joints))
    write(tmp_path / "lab" / "notes.txt", "no walk")
    return tmp_path / "lab"


@pytest.fixture
def convert(tool: Convert, folder: Path, tmp_path: Path) -> Convert:
    return lambda *options, preset="xsens": tool(folder, tmp_path / "a.gait.h5", "--preset", preset, *options)


def test_walks_labels_and_persons_by_pattern(convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert("--pattern", PATTERN) == 0
    assert "4 taken, 0 refused" in capsys.readouterr().out
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert (archive.info.unit, archive.info.up, archive.info.rate) == ("cm", "y", 30)
        assert archive.info.label_names == ("happy", "sad") and archive.labels.tolist() == [0, 1, 0, 1]
        assert archive.ids == ["anna/happy_01", "anna/sad_02_barefoot", "bo/cross/happy_01", "bo/sad_01"]
        assert archive.subjects == archive.groups == ["anna", "anna", "bo", "bo"]
        assert {name: list(column) for name, column in archive.extra.items()} == {
            "source_file": NAMES,
            "take": ["01", "02", "01", "01"],
            "shoes": ["", "_barefoot", "", ""],
        }
        for walk, positions in zip(WALKS.values(), archive.iterate(), strict=True):
            np.testing.assert_allclose(positions, 100 * walk, atol=1e-4)


def test_walks_labels_and_persons_by_table(convert: Convert, tmp_path: Path) -> None:
    table = write(tmp_path / "takes.csv", "\r\n".join(["\ufeff" + TABLE[0], *reversed(TABLE[1:])]) + "\r\n\r\n")
    table.write_text(table.read_text().replace("L3", "").replace("S2", "").replace(",,1", ",both,1"))
    assert convert("--table", table) == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.info.label_names == ("L0", "L1", "L2") and archive.labels.tolist() == [0, 1, 2, -1]
        assert archive.subjects == ["S0", "S1", "", "S3"]
        assert archive.groups == ["S0", "both", "bo/cross/happy_01", "S3"]
        assert list(archive.extra["day"]) == ["0", "1", "2", "3"] and list(archive.extra["take"]) == [""] * 4


BAD_TABLES = {
    "a file twice": ([*TABLE, TABLE[-1]], ["line 6", "again", "bo/sad_01.BVH"]),
    "a file not listed": (TABLE[:-1], ["1 not listed", "bo/sad_01.BVH"]),
    "a file that is not there": ([*TABLE, "c.bvh,,,,"], ["1 not there", "c.bvh"]),
    "a value missing": ([*TABLE[:-1], "bo/sad_01.BVH,L,S"], ["line 5", "5 values", "3"]),
    "no column file": ([TABLE[0].replace("file", "path"), *TABLE[1:]], ["line 1", "'file'", "path"]),
    "semicolons": ([line.replace(",", ";") for line in TABLE], ["line 1", "file;label"]),
    "a column twice": ([TABLE[0].replace("day", "label"), *TABLE[1:]], ["line 1", "different"]),
    "the converter's column": ([TABLE[0].replace("day", "source_file"), *TABLE[1:]], ["source_file"]),
    "an open quote": ([*TABLE, '"'], ["CSV"]),
    "NUL": ([*TABLE, "\0"], ["CSV", "NUL"]),
    "nothing": ([], ["line 1"]),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_refused(convert: Convert, tmp_path: Path, case: str) -> None:
    lines, words = BAD_TABLES[case]
    table = write(tmp_path / "takes.csv", "\n".join(lines))
    with pytest.raises((ConfigError, DataError)) as error:
        convert("--table", table)
    assert all(word in str(error.value) for word in ["takes.csv", *words]), error.value
    assert not (tmp_path / "a.gait.h5").exists()


def test_files_without_labels(convert: Convert, tmp_path: Path) -> None:
    assert convert("--pattern", "") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.labels.tolist() == [-1] * 4 and archive.subjects == [""] * 4 and archive.groups == archive.ids


@pytest.mark.parametrize("pattern, found", [("(", "expression"), ("(?P<source_file>x)", "source_file")])
def test_bad_patterns_are_refused(convert: Convert, pattern: str, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        convert("--pattern", pattern)


def test_a_map_of_ones_own_and_single_files(tool: Convert, tmp_path: Path) -> None:
    """Inches, z up, the layout of COCO, and names of one's own."""
    names = [f"point {number}" for number in range(17)]
    joints = dict(zip(COCO17.joints, names, strict=True))
    own = {"skeleton": "coco17", "unit": "inch", "up": "z", "joints": joints, "skip_frames": 2, "scale": 0.5}
    write(tmp_path / "own.json", json.dumps(own))
    places = np.random.default_rng(0).normal(0, 10, (6, 17, 3))
    tree = [Joint("room", -1, (0, 0, 0), ()), *(Joint(name, 0, (0, 0, 0), POSITIONS) for name in names)]
    for name in ("one.bvh", "two.bvh"):
        write(tmp_path / name, bvh_text(tree, places.reshape(6, -1), "0.02"))
    files = [tmp_path / "two.bvh", tmp_path / "one.bvh"]
    assert tool(*files, tmp_path / "a.gait.h5", "--map", tmp_path / "own.json") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.ids == ["two", "one"]
        info = archive.info
        assert (info.skeleton, info.unit, info.up, info.rate) == ("coco17", "inch", "z", 50)
        np.testing.assert_allclose(archive.positions(0), places[2:] / 2, rtol=1e-6)


def test_inputs_that_are_none(tool: Convert, folder: Path, tmp_path: Path) -> None:
    options = [tmp_path / "a.gait.h5", "--preset", "xsens"]
    (tmp_path / "empty").mkdir()
    for inputs, words in (
        ([tmp_path / "absent"], "no such file"),
        ([tmp_path / "empty"], "holds no"),
        ([folder / "anna", folder / "anna"], "one name"),
    ):
        with pytest.raises(ConfigError, match=words):
            tool(*inputs, *options)


def test_a_bad_file_is_refused_by_name_and_nothing_written(
    convert: Convert, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    whole = (folder / NAMES[0]).read_text()
    write(folder / NAMES[0], whole[: len(whole) // 2])
    assert convert("--pattern", "/happy|(?P<label>sad)") == 1
    printed = capsys.readouterr().out
    assert all(words in printed for words in ("3 taken, 1 refused", "happy_01.bvh, line", "nothing written", "Remedy"))
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]
    assert convert("--pattern", "sad", "--allow-refused") == 0
    printed = capsys.readouterr().out
    assert "2 taken, 2 refused" in printed and "does not match the pattern" in printed
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert archive.ids == ["anna/sad_02_barefoot", "bo/sad_01"]


def test_a_foreign_skeleton_is_refused_with_its_joints(convert: Convert, capsys: pytest.CaptureFixture) -> None:
    assert convert(preset="cmu") == 1
    assert convert("--pattern", "", preset="cmu") == 1
    printed = capsys.readouterr().out
    assert all(words in printed for words in ("does not match", "LeftUpLeg", "LeftShoulder", "--map"))
    assert "choose the preset xsens, or" in printed
    assert printed.count("does not match") == printed.count("joints that the map names are missing") == 1, "said once"
    assert all(printed.count(name) == 2 for name in NAMES), "every file is named, once in each of the two runs"


def test_the_first_frame_of_cmu_is_no_movement(tool: Convert, tmp_path: Path) -> None:
    names = sorted({name for sources in preset("cmu").joints.values() for name in sources})
    tree = [Joint("Hips", -1, (0, 0, 0), POSITIONS), *(Joint(name, 0, (0, 0, 0), POSITIONS) for name in names)]
    values = np.random.default_rng(0).normal(0, 10, (5, 3 + 3 * len(names)))
    write(tmp_path / "35" / "35_01.bvh", bvh_text(tree, values, ".0083333"))
    assert tool(tmp_path / "35", tmp_path / "a.gait.h5", "--preset", "cmu") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert (archive.subjects, list(archive.extra["take"]), archive.info.rate) == (["35"], ["01"], 120)
        column = 3 + 3 * names.index("Head")
        head = 2.54 / 0.45 * (values[1:, :3] + values[1:, column : column + 3])
        np.testing.assert_allclose(archive.positions(0)[:, 3], head, rtol=1e-5)


def test_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    words = ("lab", "a.gait.h5", "--preset", "xsens", "--dry-run", "--window", "10")
    result = run_converter("bvh", *words, cwd=tmp_path, run=as_program)
    assert result.returncode == 0 and "dry run" in result.stdout, result.stderr
    result = run_converter("bvh", "lab", "a.gait.h5", "--preset", "smpl", cwd=tmp_path)
    assert result.returncode == 1 and result.stderr.startswith("error: preset") and result.stderr.count("\n") == 1
    assert not (tmp_path / "a.gait.h5").exists()


def test_real_files_in_one_command(tmp_path: Path) -> None:
    if not REAL.is_dir():
        pytest.skip("the Bandai-Namco files are not here: set MMGAITEMO_DATA to the folder that contains bandai_namco")
    result = run_converter("bvh", REAL, "a.gait.h5", "--preset", "bandai_namco", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert np.bincount(archive.labels).tolist() == [5] * 7 and archive.groups == archive.ids
        assert archive.info.label_names[:3] == ("active", "elderly", "exhausted") and archive.info.rate == 30
        assert sorted({*archive.extra["take"]}) == ["001", "002", "003", "004", "005"]
        for walk in archive.iterate():
            middle = walk[len(walk) // 2 - 15 : len(walk) // 2 + 15].astype(float)
            joint = dict(zip(EGAIT16.joints, middle.transpose(1, 0, 2), strict=True))
            right = (joint["right_hip"] - joint["left_hip"]).mean(axis=0)
            travel = middle[-1, 0] - middle[0, 0]
            facing = np.cross([0, 1, 0], right)
            assert facing @ travel > 0.9 * np.linalg.norm(facing) * np.linalg.norm(travel), "left is on the left"
            order = ["left_foot", "left_knee", "left_hip", "spine", "neck", "head"]
            assert (np.diff([joint[name][:, 1].mean() for name in order]) > 3).all(), "upright"

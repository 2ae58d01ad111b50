"""tools/dataset_converters/kinect.py: joints by name, walks by length, gaps repaired or refused.

The CSV files are stand-ins, written from the names and the documentation of Kinect: nobody here has the real ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import as_program
from converter_runs import converter, run_converter
from runs import ROOT

from mmgaitemo.archive import GaitArchive
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import EGAIT16, KINECT25

REAL = Path(os.environ.get("MMGAITEMO_DATA", ROOT.parent / "shared" / "data")) / "pathogait" / "pathogait_s01-08.npz"
GAITS = ("antalgic", "lurch", "normal", "steppage", "stiff_legged", "trendelenburg")
SHORT = ("root", "spine", "neck", "head", "Lshoulder", "Lelbow", "Lhand", "Rshoulder", "Relbow", "Rhand")
SHORT += ("Lhip", "Lknee", "Lfoot", "Rhip", "Rknee", "Rfoot")
SDK = ("SpineBase", "SpineMid", "SpineShoulder", "Head", "ShoulderLeft", "ElbowLeft", "WristLeft")
SDK += ("ShoulderRight", "ElbowRight", "WristRight", "HipLeft", "KneeLeft", "AnkleLeft")
SDK += ("HipRight", "KneeRight", "AnkleRight")
# JointType of the SDK, 0 to 24.
ORDER = ("SpineBase", "SpineMid", "Neck", "Head", "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft")
ORDER += ("ShoulderRight", "ElbowRight", "WristRight", "HandRight", "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft")
ORDER += ("HipRight", "KneeRight", "AnkleRight", "FootRight", "SpineShoulder", "HandTipLeft", "ThumbLeft")
ORDER += ("HandTipRight", "ThumbRight")
Convert = Callable[..., int]


@pytest.fixture(scope="module")
def tool() -> Convert:
    return converter("kinect")


def moving(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """(..., T, V, 3): joints at places of their own, which go 2 cm a frame and tremble, as a walker's do."""
    rng = np.random.default_rng(seed)
    places = rng.normal(0, 1, (*shape[:-3], 1, *shape[-2:])) + 0.02 * np.arange(shape[-3])[:, None, None]
    return places + rng.normal(0, 0.005, shape)


def arrays(**changes: Any) -> dict[str, np.ndarray]:
    """Six walks of two persons and five frames or more, joints in an order of their own."""
    lengths = np.arange(5, 11)
    order = np.random.default_rng(0).permutation(16)
    walks = np.concatenate([moving((length, 16, 3), seed) for seed, length in enumerate(lengths)]).astype(np.float16)
    files = [f"human{1 + n % 2}_{gait}{n}_SkeletonData{1 + n % 3}.csv" for n, gait in enumerate(GAITS)]
    made = dict(
        positions=walks[:, order],
        length=lengths,
        subject=np.arange(6) % 2 + 1,
        gait=np.array(GAITS),
        trial=np.arange(6),
        sensor=np.arange(6) % 3 + 1,
        source_file=np.array(files),
        joint_names=np.array(SHORT)[order],
        walks=walks,
    )
    return made | changes


def save(path: Path, **changes: Any) -> Path:
    made = {name: value for name, value in arrays(**changes).items() if value is not None and name != "walks"}
    np.savez_compressed(path, **made)
    return path


def test_npz_walks_by_name_and_length(tool: Convert, tmp_path: Path) -> None:
    made = arrays()
    assert tool(save(tmp_path / "k.npz"), tmp_path / "k.gait.h5") == 0
    with GaitArchive(tmp_path / "k.gait.h5") as archive:
        info = archive.info
        assert (info.skeleton, info.unit, info.up, info.rate) == ("egait16", "m", "z", 30)
        assert info.label_names == GAITS and archive.labels.tolist() == list(range(6))
        assert archive.ids == [name.removesuffix(".csv") for name in made["source_file"]]
        assert archive.subjects == archive.groups == ["1", "2"] * 3
        assert list(archive.extra["trial"]) == list(range(6)) and list(archive.extra["sensor"]) == [1, 2, 3] * 2
        written = np.concatenate(list(archive.iterate()))
        np.testing.assert_array_equal(written, made["walks"].astype(np.float32))
        assert archive.lengths.tolist() == made["length"].tolist()


def test_npz_gaps_are_repaired_or_refused_by_name(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = arrays()
    positions, starts = made["positions"].copy(), np.cumsum(made["length"]) - made["length"]
    positions[starts[2] + 2, 3] = np.nan
    positions[starts[3], 4, 1] = np.nan
    positions[starts[5] + 2 : starts[5] + 6, 5] = np.nan
    path, out = save(tmp_path / "k.npz", positions=positions), tmp_path / "k.gait.h5"
    assert tool(path, out, "--max-gap", "2") == 1 and not out.exists()
    printed = capsys.readouterr().out
    assert "5 taken, 1 refused" in printed and "human2_trendelenburg5_SkeletonData3" in printed.split("refused  ")[1]
    repaired = [line for line in printed.splitlines() if line.startswith("repaired")]
    assert ["human1_normal2" in repaired[0], "human2_steppage3" in repaired[1], len(repaired)] == [True, True, 2]
    assert tool(path, out) == 0
    with GaitArchive(out) as archive:
        assert archive.lengths.tolist() == [5, 6, 7, 7, 9, 10]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no subjects": (dict(subject=None), "subject"),
    "joints": (dict(positions=np.zeros((45, 15, 3), np.float16)), "(frames, 16, 3)"),
    "flat": (dict(positions=np.zeros(45 * 48)), "(frames, 16, 3)"),
    "frames": (dict(positions=np.zeros((44, 16, 3))), "add up"),
    "negative": (dict(length=np.array([-5, 6, 7, 8, 9, 20])), "add up"),
    "overflow": (dict(length=np.array([1 << 63, 1 << 63, 10, 10, 10, 15], dtype=np.uint64)), "add up"),
    "columns": (dict(trial=np.arange(5)), "one entry per walk"),
    "table": (dict(length=np.arange(5, 11).reshape(2, 3)), "one entry per walk"),
    "names": (dict(joint_names=np.array(SHORT[:-1] + ("tail",))), "joints"),
    "names in a table": (dict(joint_names=np.array(SHORT).reshape(4, 4)), "joints"),
    "numbers for gaits": (dict(gait=np.arange(6)), "gait"),
    "no text": (dict(source_file=np.array(["a", "b", "c", "d", "e", "\x07"])), "plain text"),
    "objects": (dict(gait=np.array([None] * 6)), "Object arrays"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_npz_files_are_refused_whole(tool: Convert, tmp_path: Path, case: str) -> None:
    changes, words = BAD[case]
    with pytest.raises(DataError) as error:
        tool(save(tmp_path / "k.npz", **changes), tmp_path / "k.gait.h5")
    assert words in str(error.value) and "k.npz" in str(error.value), error.value
    assert not (tmp_path / "k.gait.h5").exists()


def csv_folder(folder: Path) -> np.ndarray:
    """(3, 12, 25, 3): three files, in folders, one with a header and a gap; both ends of lines, a gait of two words."""
    walks = moving((3, 12, 25, 3), seed=2).round(4)
    names = ["a/human1_normal2_SkeletonData6.csv", "b/human10_stiff-legged11_SkeletonData1.csv"]
    names.append("human9_stiff_legged1_SkeletonData2.csv")
    for number, (name, walk) in enumerate(zip(names, walks, strict=True)):
        lines = [",".join(map(str, frame.ravel())) for frame in walk]
        if number == 0:
            lines.insert(0, ",".join(f"{joint}_{axis}" for joint in ORDER for axis in "XYZ"))
            lines[5] = ",nan," + lines[5].split(",", 2)[2]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(("\n", "\r\n", "\n")[number].join(lines).encode() + b"\n\n")
    return walks


def test_csv_joints_in_the_order_of_the_sdk(tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    walks = csv_folder(tmp_path / "csv")
    for skeleton, joints in ((KINECT25, ORDER), (EGAIT16, SDK)):
        out = tmp_path / f"{skeleton.name}.gait.h5"
        assert tool(tmp_path / "csv", out, "--skeleton", skeleton.name) == 0
        assert "1 joints interpolated" in capsys.readouterr().out
        with GaitArchive(out) as archive:
            assert (archive.info.skeleton, archive.info.unit, archive.info.up) == (skeleton.name, "m", "y")
            assert archive.subjects == ["1", "10", "9"] and list(archive.extra["trial"]) == [2, 11, 1]
            assert archive.labels.tolist() == [2, 4, 4] and list(archive.extra["sensor"]) == [6, 1, 2]
            wanted = walks[:, :, [ORDER.index(joint) for joint in joints]].astype(np.float32)
            np.testing.assert_array_equal(archive.positions(1), wanted[1])
            np.testing.assert_array_equal(archive.positions(2), wanted[2])
            np.testing.assert_array_equal(np.delete(archive.positions(0), 4, 0), np.delete(wanted[0], 4, 0))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("walk.csv", lambda text: text, "the name must be"),
        ("human1_limping1_SkeletonData1.csv", lambda text: text, "the name must be"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: text.replace(",", ";"), "75 numbers"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: text + "1,2,3\n", "line 13"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: text.replace(",", ",oops", 80), "oops"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: text + text.replace(",", ",1_0,", 1), "line 13"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: "", "T of at least 2"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: "\udcff" + text, "as text"),
        ("human1_lurch1_SkeletonData1.csv", lambda text: "inf" + text[text.index(",") :], "infinite"),
    ],
)
def test_bad_csv_files_are_refused_by_name(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, change: Callable, words: str
) -> None:
    csv_folder(tmp_path / "csv")
    text = (tmp_path / "csv" / "human9_stiff_legged1_SkeletonData2.csv").read_text().rstrip("\n") + "\n"
    (tmp_path / "csv" / name).write_bytes(change(text).encode(errors="surrogateescape"))
    assert tool(tmp_path / "csv", tmp_path / "k.gait.h5") == 1
    printed = capsys.readouterr().out
    assert "3 taken, 1 refused" in printed and words in printed.split("refused  ")[1], printed
    assert not (tmp_path / "k.gait.h5").exists()


def test_inputs_that_are_none(tool: Convert, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("no zip")
    for name, options, words in (
        ("absent", [], "no such"),
        ("empty", [], "holds no"),
        ("text.npz", [], "damaged"),
        ("text.npz", ["--skeleton", "kinect25"], "16 joints"),
    ):
        with pytest.raises((ConfigError, DataError), match=words):
            tool(tmp_path / name, tmp_path / "k.gait.h5", *options)


def test_ends_where_the_tables_ran_out_are_cut_or_refused(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exact zeros, and a body that is two metres back from one frame to the next; one joint that jumps is no seam."""
    made = arrays(length=np.full(6, 30), positions=None, walks=None)
    walks = moving((6, 30, 16, 3), seed=4).astype(np.float16)
    ragged = walks.copy()
    ragged[1, 28:, 5:9] = 0  # columns that have run out
    ragged[2, 27:] -= np.float16(2)  # another pass
    ragged[3, 12:] -= np.float16(2)  # in the middle: what is left is not the walk
    ragged[4, 15, 3] += np.float16(1)  # one joint
    made |= dict(positions=ragged.reshape(-1, 16, 3), joint_names=np.array(SHORT))
    path, out = save(tmp_path / "k.npz", **made), tmp_path / "k.gait.h5"
    assert tool(path, out) == 1 and not out.exists()
    printed = capsys.readouterr().out
    assert "5 taken, 1 refused" in printed and "human2_steppage3" in printed.split("refused  ")[1]
    assert tool(path, out, "--allow-refused") == 0
    with GaitArchive(out) as archive:
        assert archive.lengths.tolist() == [30, 28, 27, 30, 30] and len(archive.ids) == 5
        for walk, positions in zip((0, 1, 2, 4, 5), archive.iterate(), strict=True):
            np.testing.assert_array_equal(positions, ragged[walk, : len(positions)].astype(np.float32))


def test_the_real_walks(tmp_path: Path) -> None:
    if not REAL.is_file():
        pytest.skip("the pathological gaits are not here: set MMGAITEMO_DATA to the folder that contains pathogait")
    result = run_converter("kinect", REAL, "k.gait.h5", "--allow-refused", cwd=tmp_path, run=as_program)
    assert result.returncode == 0, result.stderr
    named = {
        word: {line.split()[1].rstrip(":") for line in result.stdout.splitlines() if line.startswith(f"{word}  ")}
        for word in ("repaired", "refused")
    }
    with np.load(REAL) as file, GaitArchive(tmp_path / "k.gait.h5") as archive:
        positions, lengths = file["positions"], file["length"]
        names = [str(name)[:-4] for name in file["source_file"]]
        rows = zip(names, file["gait"], file["subject"], strict=True)
        facts = {name: (GAITS.index(gait), str(person)) for name, gait, person in rows}
        gaps = np.isnan(positions).any(axis=(1, 2))
        with_gaps = {names[walk] for walk in np.repeat(np.arange(len(lengths)), lengths)[gaps]}
        assert (np.count_nonzero(gaps), len(with_gaps), len(names)) == (153, 90, 5760)
        assert with_gaps <= named["repaired"] | named["refused"], "every gap is repaired or refused, by name"
        assert archive.ids == [name for name in names if name not in named["refused"]]
        assert len(named["refused"]) < 0.01 * len(names)
        assert list(zip(archive.labels, archive.subjects, strict=True)) == [facts[name] for name in archive.ids]
        starts = dict(zip(names, np.cumsum(lengths) - lengths, strict=True))
        order = [file["joint_names"].tolist().index(joint) for joint in SHORT]
        whole = [walk for walk, name in enumerate(archive.ids) if name not in named["repaired"]]
        for walk in whole[:: len(whole) // 20]:
            start = starts[archive.ids[walk]]
            wanted = positions[start : start + archive.lengths[walk], order].astype(np.float32)
            np.testing.assert_array_equal(archive.positions(walk), wanted)

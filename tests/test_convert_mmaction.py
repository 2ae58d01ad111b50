"""tools/dataset_converters/mmaction.py: annotations in and out as they are, and no pickle that could do more."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from commands import as_program
from converter_runs import converter, run_converter

from mmgaitemo.archive import GaitArchive
from mmgaitemo.conversion.safe_pickle import load_plain
from mmgaitemo.errors import ConfigError, DataError

Convert = Callable[..., int]
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def tool() -> Convert:
    return converter("mmaction")


def entry(name: str, label: Any = 0, persons: int = 1, frames: int = 8, flat: bool = True, **more: Any) -> dict:
    """An annotation as mmaction2's documentation describes it."""
    joints, axes = (17, 2) if flat else (25, 3)
    made = dict(frame_dir=name, total_frames=frames, label=label)
    made["keypoint"] = RNG.uniform(1, 300, (persons, frames, joints, axes)).astype(np.float16 if flat else np.float32)
    if flat:
        made |= dict(img_shape=(480, 640), original_shape=(480, 640))
        made["keypoint_score"] = RNG.uniform(0.1, 1, (persons, frames, joints)).astype(np.float16)
    return {**made, **more}


def save(path: Path, *entries: dict, split: Any = None, protocol: int = 4) -> Path:
    data = dict(split={"train": [e["frame_dir"] for e in entries]} if split is None else split, annotations=[*entries])
    path.write_bytes(pickle.dumps(data, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_pickles_are_read_as_python_reads_them(tmp_path: Path, protocol: int) -> None:
    column = np.asfortranarray(RNG.normal(size=(3, 4, 2)))
    data = dict(
        texts=["", "é☃", "x" * 300],
        numbers=[0, -1, 255, 256, 70000, -(2**40), 2**63, 1.5, float("inf"), True, False, None],
        tuples=((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        arrays=[np.arange(6, dtype=code).reshape(2, 3) for code in ("f2", ">f4", "f8", "i1", "<i2", "u4", ">i8")],
        orders=[column, column[::2], column.T, np.zeros((0, 3)), np.array(3.0), np.array([True, False])],
        scalars=[np.float32(1.5), np.int64(-3), np.bool_(True)],
        raw=[b"", b"\x00\xff", bytes(300)],
    )
    data["again"] = data["arrays"]
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(data, protocol=protocol))
    read = load_plain(path)
    assert read.keys() == data.keys()
    for key in ("texts", "numbers", "tuples", "scalars", "raw"):
        assert read[key] == data[key] and list(map(type, read[key])) in (
            list(map(type, data[key])),
            [float, int, bool],
        )
    for key in ("arrays", "orders", "again"):
        for ours, theirs in zip(read[key], data[key], strict=True):
            np.testing.assert_array_equal(ours, theirs, strict=True)


class _Runs:
    """What a hostile pickle holds: a call that Python makes when it opens the file."""

    def __init__(self, call: Callable, *args: Any) -> None:
        self.call = (call, args)

    def __reduce__(self) -> Any:
        return self.call


def nested(depth: int) -> bytes:
    """A tuple of a tuple of ... as the key of a dict: its hash would overflow the stack."""
    return b"\x80\x04}" + b")" + b"\x85" * depth + b"Ns."


def _arrays(code: str, shape: str, data: str) -> bytes:
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(tC\x01btR"
    return head + f"(K\x01{shape}cnumpy\ndtype\n(X\x02\x00\x00\x00{code}tR\x89C\x04{data}tb.".encode("latin1")


HOSTILE: dict[str, tuple[Any, str]] = {
    "open": (pickle.dumps(_Runs(open, "pwned", "w")), "open"),
    "exec": (pickle.dumps(_Runs(exec, "open('pwned', 'w')")), "builtins.exec"),
    "in an annotation": (pickle.dumps({"annotations": [{"keypoint": _Runs(exec, "1")}]}), "builtins.exec"),
    "protocol 0": (b"cos\nsystem\n(S'touch pwned'\ntR.", "os.system"),
    "a part of numpy": (b"\x80\x02cnumpy.testing._private.utils\nrunstring\n.", "runstring"),
    "numpy's load": (b"\x80\x02cnumpy\nload\n(X\x01\x00\x00\x00xtR.", "numpy.load"),
    "a dotted way": (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "ndarray.dump"),
    "other classes": (pickle.dumps(OrderedDict(a=1)), "OrderedDict"),
    "sets": (pickle.dumps({1, 2}), "EMPTY_SET"),
    "persistent": (b"\x80\x04K\x01Q.", "BINPERSID"),
    "extension": (b"\x80\x04\x82\x01.", "EXT1"),
    "new object": (b"\x80\x04cnumpy\nndarray\n)\x81.", "NEWOBJ"),
    "objects in an array": (pickle.dumps(np.array([None, {}], dtype=object)), "other values than numbers"),
    "structured": (pickle.dumps(np.zeros(2, dtype="f4,f4")), "other values than numbers"),
    "a call of a value": (b"\x80\x04K\x01)R.", "damaged"),
    "a call of a type": (b"\x80\x04cnumpy\nndarray\n)R.", "damaged"),
    "a state for a list": (b"\x80\x04]}b.", "damaged"),
    "a bomb of memory": (b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little") + b".", "damaged"),
    "a bytearray of memory": (b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b".", "damaged"),
    "a shape that is not there": (_arrays("f4", "(J\x00\x00\x00\x7fJ\x00\x00\x00\x7ft", "abcd"), "shape"),
    "a negative shape": (_arrays("f4", "(J\xff\xff\xff\xffJ\xff\xff\xff\xfft", "abcd"), "shape"),
    "a huge place in the memo": (b"\x80\x04Nr\xff\xff\xff\xff.", "no annotation file"),
    "a huge number": (pickle.dumps(10**200), "64 bits"),
    "hash of nested tuples": (nested(1_000_000), "neither text"),
    "deep lists": (b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".", "no annotation file"),
    "cut": (pickle.dumps({"annotations": [1, 2]})[:-5], "damaged"),
    "empty": (b"", "damaged"),
    "text": (b"hello", "damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_and_broken_pickles_are_refused_unopened(
    tool: Convert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    data, words = HOSTILE[case]
    monkeypatch.chdir(tmp_path)
    Path("x.pkl").write_bytes(data)
    with pytest.raises(DataError) as error:
        tool("read", "x.pkl", "x.gait.h5")
    assert "x.pkl" in str(error.value) and words in str(error.value), error.value
    assert [path.name for path in tmp_path.iterdir()] == ["x.pkl"], "nothing was run, nothing written"


@pytest.mark.parametrize("flat", [True, False])
def test_walks_labels_scores_and_splits(tool: Convert, tmp_path: Path, flat: bool) -> None:
    entries = [entry(f"S{n}", label, flat=flat) for n, label in enumerate([10, 2, None, np.int64(2)])]
    split = dict(train=["S0", "S1"], val=["S1", "S2", "elsewhere"])
    path = save(tmp_path / "x.pkl", *entries, split=split)
    assert tool("read", path, tmp_path / "x.gait.h5", "--assume-rate", "25") == 0
    with GaitArchive(tmp_path / "x.gait.h5") as archive, h5py.File(tmp_path / "x.gait.h5") as file:
        info = archive.info
        assert (info.skeleton, info.unit, info.up) == (("coco17", "pixel", "-y") if flat else ("kinect25", "m", "y"))
        assert info.rate == 25 and info.label_names == tuple(map(str, range(11)))
        assert archive.labels.tolist() == [10, 2, -1, 2], "10 does not sort before 2"
        assert archive.ids == archive.groups == ["S0", "S1", "S2", "S3"]
        assert list(archive.extra["split"]) == ["train", "train,val", "val", ""]
        for made, positions in zip(entries, archive.iterate(), strict=True):
            axes = 2 if flat else 3
            np.testing.assert_array_equal(positions[..., :axes], made["keypoint"][0].astype(np.float32))
            assert not positions[..., axes:].any()
        if flat:
            scores = np.concatenate([made["keypoint_score"][0] for made in entries])
            np.testing.assert_array_equal(file["score"], scores.astype(np.float32))
            assert list(archive.extra["img_height"]) == [480] * 4 and list(archive.extra["img_width"]) == [640] * 4


def test_names_of_classes_and_the_older_form(tool: Convert, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("calm\nglad\n\n")
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([entry("a", 1), entry("b", 0, subject="Bo", group="home")]))
    assert tool("read", tmp_path / "x.pkl", tmp_path / "x.gait.h5", "--labels", tmp_path / "names.txt") == 0
    with GaitArchive(tmp_path / "x.gait.h5") as archive:
        assert archive.info.label_names == ("calm", "glad") and archive.labels.tolist() == [1, 0]
        assert archive.subjects == ["", "Bo"] and archive.groups == ["a", "home"] and archive.info.rate is None
    for text in ("", "a\na\n", "a\n\nb\n"):
        (tmp_path / "names.txt").write_text(text)
        with pytest.raises(DataError, match=r"names\.txt"):
            tool("read", tmp_path / "x.pkl", tmp_path / "y.gait.h5", "--labels", tmp_path / "names.txt")


def test_of_several_persons_one_has_to_be_chosen(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [entry("one"), entry("two", persons=2)]
    path, out = save(tmp_path / "x.pkl", *entries), tmp_path / "x.gait.h5"
    assert tool("read", path, out) == 1 and not out.exists()
    assert "annotation 1 'two': shows several persons" in capsys.readouterr().out
    assert tool("read", path, out, "--person", "1", "--allow-refused") == 0
    assert "no such person" in capsys.readouterr().out
    with GaitArchive(out) as archive:
        assert archive.ids == ["two"]
        np.testing.assert_array_equal(archive.positions(0)[..., :2], entries[1]["keypoint"][1].astype(np.float32))


def test_what_was_not_found_is_repaired_or_refused(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gap, long, space = entry("gap", frames=40), entry("long", frames=40), entry("space", frames=40, flat=False)
    line = np.linspace(10, 200, 40)[:, None, None] + np.arange(17)[:, None]
    for made, frames in ((gap, slice(5, 9)), (long, slice(5, 30))):
        made["keypoint"] = np.broadcast_to(line, (40, 17, 2))[None].astype(np.float32)
        made["keypoint"][0, frames, 3], made["keypoint_score"][0, frames, 3] = 0, 0
    gap["keypoint"][0, :, 4, :] = 0  # its score is not 0: the keypoint was found, in the corner
    out = tmp_path / "x.gait.h5"
    assert tool("read", save(tmp_path / "x.pkl", gap, long), out, "--allow-refused") == 0
    assert "joint 3 is missing in 25 frames" in capsys.readouterr().out
    with GaitArchive(out) as archive:
        assert archive.ids == ["gap"]
        np.testing.assert_allclose(archive.positions(0)[:, 3, :2], line[:, 3] + np.zeros(2), rtol=1e-5)
        assert not archive.positions(0)[:, 4].any()
    space["keypoint"][0, 36:] = 0  # padding
    space["keypoint"][0, :, 0] = 0  # a root at the origin is none
    assert tool("read", save(tmp_path / "y.pkl", space), out, "--force") == 0
    with GaitArchive(out) as archive:
        np.testing.assert_array_equal(archive.positions(0), space["keypoint"][0, :36])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "label": (dict(label=-1), "class id"),
    "label of text": (dict(label="sad"), "class id"),
    "huge label": (dict(label=10**15), "class id"),
    "name": (dict(frame_dir="a\nb"), "frame_dir"),
    "no name": (dict(frame_dir=7), "frame_dir"),
    "half a letter": (dict(frame_dir="\ud800"), "frame_dir"),
    "length": (dict(total_frames=9), "total_frames"),
    "length of an array": (dict(total_frames=np.arange(8)), "total_frames"),
    "joints": (dict(keypoint=np.zeros((1, 8, 16, 3))), "(M, T, V, C)"),
    "list": (dict(keypoint=[1]), "no array"),
    "scores": (dict(keypoint_score=np.zeros((1, 8, 16))), "keypoint_score"),
    "NaN scores": (dict(keypoint_score=np.full((1, 8, 17), np.nan)), "scores"),
    "image": (dict(img_shape=(0, "x")), "img_shape"),
    "person": (dict(subject=[]), "subject"),
    "infinite": (dict(keypoint=np.full((1, 8, 17, 2), np.inf)), "infinite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_annotations_are_refused_one_by_one(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    change, words = BAD[case]
    path, out = save(tmp_path / "x.pkl", entry("good"), entry("bad", **change), split={}), tmp_path / "x.gait.h5"
    assert tool("read", path, out) == 1 and not out.exists()
    printed = capsys.readouterr().out
    assert "1 taken, 1 refused" in printed and words in printed and "Remedy" in printed, printed


def test_bad_files_are_refused_whole(tool: Convert, tmp_path: Path) -> None:
    shared = entry("a")
    for number, (data, words) in enumerate(
        [
            ([], "no annotation file"),
            ({"annotations": {}}, "no annotation file"),
            ({"annotations": [entry("a")], "split": []}, "'split'"),
            ({"annotations": [entry("a")], "split": {"a,b": []}}, "comma"),
            ({"annotations": [entry("a")], "split": {"a": [1]}}, "list of frame_dir"),
            ({"annotations": [dict(entry("a"), keypoint=np.zeros((1, 8, 18, 2)))]}, "18, 2"),
            ({"annotations": [shared, shared | {"frame_dir": "b"}] * 9}, "several annotations"),
        ]
    ):
        path = tmp_path / f"{number}.pkl"
        path.write_bytes(pickle.dumps(data))
        with pytest.raises(DataError) as error:
            tool("read", path, tmp_path / "x.gait.h5")
        assert words in str(error.value), error.value
    with pytest.raises(ConfigError, match="--person"):
        tool("read", path, tmp_path / "x.gait.h5", "--person", "-1")


def test_on_the_command_line(tmp_path: Path) -> None:
    save(tmp_path / "x.pkl", entry("a"))
    result = run_converter("mmaction", "read", "x.pkl", "x.gait.h5", cwd=tmp_path, run=as_program)
    assert result.returncode == 0 and "written: x.gait.h5" in result.stdout, result.stderr
    result = run_converter("mmaction", "write", "x.gait.h5", "x.pkl", cwd=tmp_path)
    assert result.returncode == 1 and result.stderr.startswith("error: x.pkl") and result.stderr.count("\n") == 1

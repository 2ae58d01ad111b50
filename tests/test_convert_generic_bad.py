"""Tables from strangers: every bad file ends in one clear error, soon, and without running what is in it."""

from __future__ import annotations

import io
import json
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import as_program
from converter_runs import run_converter
from fuzz_converters import mutate

from mmgaitemo.conversion.column_map import ColumnMap
from mmgaitemo.conversion.tables import SUFFIXES, find_tables, read_table
from mmgaitemo.errors import DataError
from mmgaitemo.skeleton import EGAIT16

WALK = np.random.default_rng(0).normal(size=(4, 16, 3)).round(3)
NAMES = tuple(tuple(f"{joint}_{axis}" for axis in "xyz") for joint in EGAIT16.joints)
MAP = ColumnMap(EGAIT16, "m", "y", EGAIT16.joints, columns=NAMES)
HEADER = [name for names in NAMES for name in names]


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def npz(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def csv(changes: dict[tuple[int, int], str] | None = None) -> bytes:
    rows = [[*HEADER], *([str(value) for value in row] for row in WALK.reshape(4, 48))]
    for (line, column), cell in (changes or {}).items():
        rows[line][column] = cell
    return "\n".join(",".join(row) for row in rows).encode()


def frames(index: tuple[int, ...], value: object) -> bytes:
    nested = WALK.tolist()
    place = nested
    for step in index[:-1]:
        place = place[step]
    place[index[-1]] = value
    return json.dumps({"frames": nested}).encode()


def keypoints(*entries: object) -> bytes:
    return json.dumps(entries).encode()


FLAT = WALK[0].ravel().tolist()
PROMISE = npy(WALK).replace(b"(4, 16, 3)", b"(4000000000, 16, 3)").replace(b" " * 9 + b"\n", b"\n")


class Boom:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple:
        return (open, ("boom", "w"))


BAD = {
    "empty.csv": (b"", "48 of 48 columns are not there"),
    "no_header.csv": (csv().split(b"\n", 1)[1], "columns are not there"),
    "near.csv": (csv({(0, 4): "spine-y"}), "'spine_y' (near: ['spine-y'"),
    "twice.csv": (csv().replace(b"\n", b",root_x\n", 1), "1 of 48 columns are not there, or there twice"),
    "word.csv": (csv({(2, 4): "n/a"}), "line 3, column 'spine_y': is no number. Found: 'n/a'"),
    "comma.csv": (csv({(2, 4): '"1,5"'}), "write a decimal point"),
    "underscore.csv": (csv({(2, 4): "1_5"}), "is no number"),
    "infinite.csv": (csv({(2, 4): "-inf"}), "is no number"),
    "huge.csv": (csv({(2, 4): "1e300"}), "beyond 1e9"),
    "overflow.csv": (csv({(2, 4): "1e999"}), "is no number"),
    "short.csv": (csv().rsplit(b",", 2)[0], "line 5: every line needs 48 cells. Found: 46 cells"),
    "long.csv": (csv() + b",1", "Found: 49 cells"),
    "hole.csv": (csv().replace(b"\n", b"\n\n", 3), "line 2 is empty"),
    "quote.csv": (csv({(1, 0): '"1'}), "is no CSV"),
    "field.csv": (csv({(1, 0): "1" * 200000}), "is no CSV"),
    "latin.csv": (csv({(0, 0): "é"}).decode().encode("latin-1"), "save it as UTF-8"),
    "nul.csv": (csv({(2, 4): "\0"}), "line 3"),
    "wide.csv": (b"," * 1000000, "columns are not there"),
    "empty.json": (b"", "is no JSON file"),
    "cut.json": (frames((0, 0, 0), 1)[:-9], "is no JSON file"),
    "deep.json": (b"[" * 1000000, "is no JSON file"),
    "deeper.json": (b'{"frames": ' + b"[" * 900 + b"]" * 900 + b"}", "frames[0]"),
    "other.json": (b'{"people": []}', "keys ['people']"),
    "number.json": (b"3", "int"),
    "digits.json": (b'{"frames": ' + b"9" * 100000 + b"}", "cannot be read"),
    "list.json": (frames((1,), [[1, 2, 3]]), "frames[1]: needs a list of 16. Found: a list of 1"),
    "object.json": (frames((1, 2), {"x": 1}), "frames[1][2]: needs a list of 3. Found: dict"),
    "text.json": (frames((1, 2, 0), "1.5"), "frames[1][2][0]: is no number. Found: '1.5'"),
    "bool.json": (frames((1, 2, 0), True), "is no number"),
    "inf.json": (frames((1, 2, 0), float("inf")), "is no number"),
    "big.json": (frames((1, 2, 0), 10**400), "is no number"),
    "two.json": (keypoints(*[{"keypoints": FLAT, "image_id": 3}] * 2), "one person"),
    "left_out.json": (keypoints(*[{"keypoints": FLAT, "image_id": f"{n}.jpg"} for n in (1, 3)]), "'3.jpg' after 1"),
    "name.json": (keypoints({"keypoints": FLAT, "image_id": "front"}), "must count the frames"),
    "entry.json": (keypoints([1, 2]), "entry 0: needs an object with 'keypoints'"),
    "flat.json": (keypoints({"keypoints": FLAT[:-1]}), "needs a list of 48. Found: a list of 47"),
    "empty.npy": (b"", "cannot be read"),
    "promise.npy": (PROMISE, "promises more than it holds"),
    "cut.npy": (npy(WALK)[:-8], "ends early"),
    "object.npy": (npy(np.array([None])), "holds other values than needed. Found: object"),
    "pickle.npy": (pickle.dumps(Boom()), "cannot be read"),
    "boom.npy": (npy(np.array([Boom()])), "holds other values than needed"),
    "text.npy": (npy(np.array(["a"])), "holds other values than needed"),
    "complex.npy": (npy(WALK + 1j), "holds other values than needed"),
    "record.npy": (npy(np.zeros(3, dtype="f4,f4")), "holds other values than needed"),
    "scalar.npy": (npy(np.float64(3)), "is a single number"),
    "shape.npy": (npy(WALK[0]), "need the shape (T, 16, 3). Found: (16, 3)"),
    "nothing.npz": (npz(), "is not there. Found: arrays []"),
    "boom.npz": (npz(a=npy(np.array([Boom()]))), "array 'a': holds other values than needed"),
    "promise.npz": (npz(a=PROMISE), "promises more than it holds"),
    "zip.npz": (npz(a=npy(WALK))[:-30], "cannot be read"),
    "wrong.txt": (b"", "is no table"),
}


def read(path: Path) -> None:
    for table in find_tables({path.name: path}, MAP).values():
        MAP.arrange(read_table(table, MAP), str(path))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    data, words = BAD[name]
    (tmp_path / name).write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(DataError) as caught:
        read(tmp_path / name)
    assert time.perf_counter() - start < 2
    message = str(caught.value)
    assert words in message
    assert name in message
    assert "Remedy: " in message
    assert len(message) < 800
    assert not (tmp_path / "boom").exists()


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmgaitemo.conversion.arrays.LARGEST", 1 << 20)
    bomb = tmp_path / "bomb.npz"
    bomb.write_bytes(npz(a=npy(np.zeros((1 << 14, 16, 3)))))
    assert bomb.stat().st_size < 1 << 14
    with pytest.raises(DataError, match="'a': is larger than 1 MiB"):
        read(bomb)


@pytest.mark.parametrize(("suffix", "data"), [(".csv", csv()), (".json", frames((0, 0, 0), 1))])
def test_a_large_text_is_not_read(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"large{suffix}"
    with path.open("wb") as file:
        file.write(data)
        file.truncate(1 << 33)  # sparse: takes no room
    with pytest.raises(DataError, match="is larger than"):
        read(path)


def test_a_missing_file_and_one_without_permission_are_refused(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        with pytest.raises(DataError, match="Remedy"):
            read(tmp_path / f"absent{suffix}")
        (tmp_path / f"folder{suffix}").mkdir()
        with pytest.raises(DataError, match="Remedy"):
            read(tmp_path / f"folder{suffix}")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".csv", csv()),
        (".json", frames((0, 0, 0), 1)),
        (".json", keypoints({"keypoints": FLAT, "image_id": 7}, {"keypoints": FLAT, "image_id": 8})),
        (".npy", npy(WALK)),
        (".npz", npz(a=npy(WALK), b=npy(WALK.astype("f2")))),
    ],
)
def test_mutated_files_are_read_or_refused(tmp_path: Path, suffix: str, data: bytes) -> None:
    path, outcomes = tmp_path / f"w{suffix}", set()
    for seed in range(300):
        path.write_bytes(mutate(data, np.random.default_rng(seed)))
        try:
            read(path)
            outcomes.add("read")
        except DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_the_tool_says_it_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(csv())
    (tmp_path / "in" / "b.csv").write_bytes(csv({(2, 4): "x"}))
    (tmp_path / "map.json").write_text(json.dumps({"skeleton": "egait16", "unit": "m", "up": "y"}))
    result = run_converter("generic", "in", "out/a.gait.h5", "--columns", "map.json", cwd=tmp_path, run=as_program)
    assert result.returncode == 1
    assert "refused  b.csv: in/b.csv, line 3, column 'spine_y': is no number. Found: 'x'." in result.stdout
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())

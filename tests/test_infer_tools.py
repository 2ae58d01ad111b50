"""The two tools as a user runs them; tests/test_docs_pages.py follows docs/inference.md."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import h5py
import numpy as np
import pytest
from bvh_files import write, xsens_text
from commands import run_here, run_program
from conftest import write_archive
from inference_parts import walk, write_model
from PIL import Image
from runs import ROOT

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.pictures import draw_prediction
from mmgaitemo.archive import GaitArchive
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import EGAIT16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "small.pth")


@pytest.fixture
def infer(tmp_path: Path, model: Path) -> Callable[..., CompletedProcess[str]]:
    return lambda *words: run_here("tools/infer.py", *words, "--model", model, cwd=tmp_path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_with_a_broken_file(infer: Callable, tmp_path: Path, model: Path) -> None:
    for number in range(2):
        write(tmp_path / "walks" / f"{number}" / "walk.bvh", xsens_text(walk(2, seed=number), EGAIT16.joints))
    write(tmp_path / "walks" / "broken.bvh", "HIERARCHY\nROOT")
    for _ in range(2):  # the second time, what the first one wrote lies in the folder
        done = infer("walks", "--out", "walks/out")
        assert done.returncode == 1
        assert re.search(r"refused .*broken\.bvh.*Remedy", done.stderr) and "It knows nothing." in done.stderr
        assert "2 recordings, 0 of them without an answer; 1 refused" in done.stdout
        table = rows(tmp_path / "walks/out/predictions.csv")
        assert [row["id"] for row in table] == ["0/walk", "1/walk"]
        files = {path.name for path in (tmp_path / "walks/out").iterdir()}
        assert files == {"predictions.csv", "predictions.json", "0_walk.png", "1_walk.png"}
    page = (ROOT / "docs/inference.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in table[0] if not name.startswith("p_"))
    full = json.loads((tmp_path / "walks/out/predictions.json").read_text())
    expected = GaitEmotionInferencer(model)(tmp_path / "walks", on_error=lambda *_: None)
    assert full["predictions"] == [
        {**prediction.as_dict(), "source": row["source"]} for prediction, row in zip(expected, table, strict=True)
    ]
    assert full["model"]["demonstration"] is True
    assert [entry["name"] for entry in full["refused"]] == ["broken.bvh"]
    for prediction, row in zip(expected, table, strict=True):
        assert row["label"] == prediction.label and row["abstained"] == "0"
        assert [float(row[f"p_{name}"]) for name in prediction.classes] == pytest.approx(
            prediction.probabilities, abs=1e-6
        )


def test_names_of_pictures_are_plain_and_each_once(infer: Callable, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "gaits.h5", "w") as file:
        for name in ("a b", "a:b", "A_B", "../../x"):
            file[name.replace("/", "\\")] = walk(1).reshape(30, -1)
    done = infer("gaits.h5", "--rate", 30, "--out", "out")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert names == {"A_B.png", "_x.png", "a_b-2.png", "a_b-3.png"}


def test_the_folder_of_the_recordings_may_be_written_to(infer: Callable, tmp_path: Path) -> None:
    np.save(tmp_path / "walk.npy", walk(1))
    for _ in range(2):
        done = infer(".", "--rate", 30, "--out", ".")
        assert done.returncode == 0 and "1 recordings" in done.stdout, done.stderr
    done = infer("predictions.csv", "--out", ".")
    assert done.returncode == 1 and "an earlier run" in done.stderr


def test_a_picture_and_an_animation(infer: Callable, tmp_path: Path, model: Path) -> None:
    np.save(tmp_path / "walk.npy", walk(1))
    assert infer("walk.npy", "--rate", 30, "--out", "out", "--gif").returncode == 0
    with Image.open(tmp_path / "out/walk.png") as picture, Image.open(tmp_path / "out/walk.gif") as film:
        assert picture.size[0] == 1800 and film.n_frames == 30
    (quick,) = GaitEmotionInferencer()(walk(1), rate=30, explain=False)
    for frames in range(2, 8):
        (short,) = GaitEmotionInferencer(model)(walk(1)[:frames], rate=30)
        assert draw_prediction(tmp_path / f"{frames}.png", short).is_file()
    with pytest.raises(ConfigError, match="explain=True"):
        draw_prediction(tmp_path / "quick.png", quick)


def test_a_stream_from_standard_input(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps(frame.round(5).tolist()) for frame in walk(8, 60)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*lines[:200], "no frame", *lines[200:]])))
    done = run_here("tools/infer.py", "--stream", "--rate", 60, "--model", model, cwd=tmp_path)
    assert done.returncode == 0 and "skipped  line 201" in done.stderr
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n"), encoding="utf-8"))
    binary = run_here("tools/infer.py", "--stream", "--rate", 60, "--model", model, cwd=tmp_path)
    assert binary.returncode == 0 and "skipped  line 1" in binary.stderr
    monkeypatch.setattr("sys.stdin", None)
    closed = run_here("tools/infer.py", "--stream", "--rate", 60, "--model", model, cwd=tmp_path)
    assert closed.returncode == 1 and re.search("closed.*Remedy", closed.stderr)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert 5 <= len(answers) <= 8 and all(answer["label"] for answer in answers)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["walks"], "--out"),
        (["--out", "x"], "paths"),
        (["--stream", "walks"], "paths"),
        (["--stream"], "rate"),
        (["nowhere", "--out", "x"], "no such file"),
        (["small.pth", "--out", "small.pth"], "is no folder"),
    ],
)
def test_what_makes_no_sense_ends_with_a_line(infer: Callable, tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "small.pth").write_text("")
    done = infer(*words)
    assert done.returncode == 1 and re.search(rf"^error: .*{message}.*Remedy", done.stderr, re.M)
    assert not (tmp_path / "x").exists()


def test_features_of_an_archive(tmp_path: Path, model: Path) -> None:
    path = write_archive(tmp_path / "walks.gait.h5", ("one", "two"), persons=2, takes=1)
    tool = "tools/extract_features.py"
    done = run_here(tool, "walks.gait.h5", "--out", "f.h5", "--model", model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = GaitEmotionInferencer(model)(path, explain=False)
    with GaitArchive(path) as archive, h5py.File(tmp_path / "f.h5") as file:
        assert file["id"].asstr()[:].tolist() == archive.ids == [prediction.id for prediction in expected]
        assert file["group"].asstr()[:].tolist() == archive.groups
        assert file["subject"].asstr()[:].tolist() == archive.subjects
        np.testing.assert_array_equal(file["label"], archive.labels)
        np.testing.assert_allclose(file["features"], [prediction.features for prediction in expected], atol=1e-5)
        assert list(file.attrs["label_names"]) == ["one", "two"] and file.attrs["model"] == "small.pth"
    with h5py.File(path, "r+") as file:
        file["positions"][: file["length"][0]] *= [1, 1, 0]  # flat
    done = run_here(tool, "walks.gait.h5", "--out", "f.h5", "--model", model, cwd=tmp_path)
    assert done.returncode == 1 and "two dimensions" in done.stderr and "1 refused" in done.stdout
    with h5py.File(tmp_path / "f.h5") as file:
        assert file["id"].asstr()[:].tolist() == [prediction.id for prediction in expected[1:]]
        np.testing.assert_allclose(file["features"], [prediction.features for prediction in expected[1:]], atol=1e-5)
    done = run_here(tool, "walks.gait.h5", "--out", "walks.gait.h5", "--model", model, cwd=tmp_path)
    assert done.returncode == 1 and "error: walks.gait.h5" in done.stderr


def test_from_a_bare_checkout_as_a_program(tmp_path: Path) -> None:
    np.save(tmp_path / "walk.npy", walk(1))
    done = run_program("python", ROOT / "tools/infer.py", "walk.npy", "--rate", 30, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "out/walk.png").is_file(), done.stderr
    assert "demonstration" in done.stderr and "FutureWarning" not in done.stderr

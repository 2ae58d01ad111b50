"""The pages that a newcomer follows, followed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bvh_files import write, xsens_text
from doc_pages import Reader

from mmgaitemo.archive import GaitArchive
from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.skeleton import EGAIT16


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Reader]:
    """Opens a page in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return lambda page: Reader(page, tmp_path)


def test_the_first_hour(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    for walk in synthetic_walks(num_persons=5, takes=1, seed=0):
        text = xsens_text(np.tile(walk.positions, (2, 1, 1)), EGAIT16.joints)
        write(tmp_path / "RECORDINGS" / f"{walk.person}_{MOODS[walk.label]}_1.bvh", text)
    reader("docs/first_hour.md").follow()
    with GaitArchive(tmp_path / "lab.gait.h5") as archive:
        assert set(archive.info.label_names) == set(MOODS)
    for name in ("embedding.png", "views.png", "lab.html", "work_dirs/unlabelled_lab"):
        assert (tmp_path / name).exists(), name


def test_protocols(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    reader("docs/protocols.md").follow()
    assert len(json.loads((tmp_path / "knn.json").read_text())["samples"]) == 8
    runs = {path.name for path in (tmp_path / "work_dirs").iterdir()}
    assert {f"{name}_synthgait" for name in ("ssal", "linear", "finetune", "semi", "supervised")} < runs


def test_inference(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    page = reader("docs/inference.md")
    page.follow()
    assert len(page.scope["scores"]) == 3
    assert (tmp_path / "predictions/predictions.csv").is_file()


def test_own_method(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    reader("docs/own_method.md").follow()
    assert (tmp_path / "work_dirs/linear_synthgait/epoch_1.pth").is_file()


def test_watching(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    reader("docs/watching.md").follow()
    assert list((tmp_path / "work_dirs/watched").glob("*/vis_data/events.out.tfevents*"))
    assert (tmp_path / "runs.png").is_file()


def test_adding_a_data_set(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    (tmp_path / "WALKS").mkdir()
    walks = synthetic_walks(num_persons=2, takes=1, seed=0)
    for walk in walks:
        frames = 1000 * walk.positions[..., [0, 2, 1]] * [1, -1, 1]  # millimetres, z up
        np.savetxt(tmp_path / "WALKS" / f"{walk.person}_{MOODS[walk.label]}_7.txt", frames.reshape(len(frames), 48))
    reader("docs/contributing/data_set.md").follow()
    with GaitArchive(tmp_path / "lab_txt.gait.h5") as archive:
        assert len(archive.labels) == len(walks)
        assert archive.info.licence == "consent: research"


@pytest.mark.parametrize("page", ["augmentation", "backbone", "ablation"])
def test_adding(page: str, reader: Callable[[str], Reader]) -> None:
    reader(f"docs/contributing/{page}.md").follow()


def test_a_reader_meets_what_is_wrong(reader: Callable[[str], Reader], tmp_path: Path) -> None:
    """The harness itself: a page whose command fails, or whose test fails, does not pass."""
    page = tmp_path / "page.md"
    test = "```python\n# test_{0}.py\n{1}```\n```shell\npython -m pytest test_{0}.py\n```"
    wrong = {
        "```shell\npython tools/train.py configs/nothing.py\n```": Exception,
        "```shell\nls\n```": AssertionError,
        test.format("x", "def test_x():\n    assert False\n"): AssertionError,
        test.format("y", ""): AssertionError,
    }
    for text, error in wrong.items():
        page.write_text(text + "\n")
        (tmp_path / "configs").unlink(missing_ok=True)
        with pytest.raises(error):
            reader(str(page)).follow()
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)

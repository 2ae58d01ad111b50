"""Writing mmaction2's annotations: what Python's own pickle reads, and what comes back through our reader."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import write_archive
from converter_runs import converter

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter, GaitArchive
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import get_skeleton

Convert = Callable[..., int]
IMAGE = {"img_height": 480, "img_width": 640}


@pytest.fixture(scope="module")
def tool() -> Convert:
    return converter("mmaction")


def archive_of(path: Path, flat: bool, extra: Any = None, scored: bool = True, **info: Any) -> list[np.ndarray]:
    """Three walks, one of them unlabelled; returns the coordinates."""
    rng, layout = np.random.default_rng(1), ("coco17", "pixel", "-y") if flat else ("kinect25", "m", "y")
    about = dict(zip(("skeleton", "unit", "up"), layout, strict=True)) | info
    joints = get_skeleton(about["skeleton"]).num_joints
    walks = [rng.normal(size=(frames, joints, 3)).astype(np.float32) for frames in (5, 9, 7)]
    with ArchiveWriter(path, ArchiveInfo(label_names=("calm", "glad"), **about)) as archive:
        for number, walk in enumerate(walks):
            walk[..., 2] *= not flat
            archive.append(
                walk,
                id=f"w{number}",
                subject=f"p{number % 2}",
                group="all",
                label=("glad", None, "calm")[number],
                extra=extra[number] if extra else {},
                score=rng.random(walk.shape[:2]) if scored else None,
            )
    return walks


@pytest.mark.parametrize("flat", [True, False])
def test_there_and_back_again(tool: Convert, tmp_path: Path, flat: bool) -> None:
    splits = [{"split": name, **(IMAGE if flat else {})} for name in ("train", "train,val", "")]
    archive_of(tmp_path / "a.gait.h5", flat, splits)
    assert tool("write", tmp_path / "a.gait.h5", tmp_path / "a.pkl") == 0
    (tmp_path / "names.txt").write_text("calm\nglad\n")
    assert tool("read", tmp_path / "a.pkl", tmp_path / "b.gait.h5", "--labels", tmp_path / "names.txt") == 0
    with h5py.File(tmp_path / "a.gait.h5") as a, h5py.File(tmp_path / "b.gait.h5") as b:
        names: list[str] = []
        a.visit(names.append)
        assert {"positions", "score", "extra/split", "subject", "group", "label"} <= {*names}
        for name in names:
            if isinstance(a[name], h5py.Dataset):
                np.testing.assert_array_equal(a[name][()], b[name][()], strict=True, err_msg=name)
        for key in ("skeleton", "unit", "up", "label_names", "joints"):
            assert np.array_equal(a.attrs[key], b.attrs[key]), key


def test_what_mmaction2_finds(tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fields that mmaction2's PoseDataset and its pipelines ask for, as Python's own pickle reads them."""
    walks = archive_of(tmp_path / "a.gait.h5", True, scored=False)
    with pytest.raises(ConfigError, match="--img-shape"):
        tool("write", tmp_path / "a.gait.h5", tmp_path / "a.pkl")
    assert tool("write", tmp_path / "a.gait.h5", tmp_path / "a.pkl", "--img-shape", "480", "640") == 0
    assert "layout='coco'" in capsys.readouterr().out
    data = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert data["split"] == {"all": ["w0", "w1", "w2"]}
    assert [entry.get("label") for entry in data["annotations"]] == [1, None, 0]
    for walk, entry in zip(walks, data["annotations"], strict=True):
        assert entry["img_shape"] == entry["original_shape"] == (480, 640) and entry["total_frames"] == len(walk)
        np.testing.assert_array_equal(entry["keypoint"], walk[None, ..., :2], strict=True)
        np.testing.assert_array_equal(entry["keypoint_score"], np.ones((1, len(walk), 17), np.float32), strict=True)
        assert {type(value) for value in entry.values()} <= {str, int, tuple, np.ndarray}


def test_space_is_in_metres_with_y_up(tool: Convert, tmp_path: Path) -> None:
    walks = archive_of(tmp_path / "a.gait.h5", False, scored=False, unit="cm", up="z")
    assert tool("write", tmp_path / "a.gait.h5", tmp_path / "a.pkl") == 0
    for walk, entry in zip(walks, pickle.loads((tmp_path / "a.pkl").read_bytes())["annotations"], strict=True):
        turned = np.stack([walk[..., 0], walk[..., 2], -walk[..., 1]], axis=-1)  # a quarter turn about x
        np.testing.assert_allclose(entry["keypoint"][0], turned / 100, rtol=1e-6)
        assert "keypoint_score" not in entry


def test_other_layouts_come_with_their_edges(tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_archive(tmp_path / "a.gait.h5", ("x", "y"), persons=2)
    assert tool("write", tmp_path / "a.gait.h5", tmp_path / "a.pkl") == 0
    printed = capsys.readouterr().out
    assert "num_node=16" in printed and "(15, 14)" in printed and "not in metres" in printed


def test_targets_and_damage(tool: Convert, tmp_path: Path) -> None:
    source, out = tmp_path / "a.gait.h5", tmp_path / "a.pkl"
    archive_of(source, False)
    out.write_text("mine")
    with pytest.raises(ConfigError, match="exists"):
        tool("write", source, out)
    with pytest.raises(ConfigError, match=r"\.pkl"):
        tool("write", source, tmp_path / "a.txt")
    with pytest.raises(ConfigError, match="cannot be written"):
        tool("write", source, source / "a.pkl")
    with pytest.raises(ConfigError, match="img-shape"):
        tool("write", source, out, "--force", "--img-shape", "0", "1")
    assert out.read_text() == "mine" and tool("write", source, out, "--force") == 0
    for name, change in (
        ("score", np.zeros((3, 25), np.float32)),
        ("score", "text"),
        ("score", np.full((21, 25), np.nan)),
    ):
        with h5py.File(source, "r+") as file:
            del file[name]
            file[name] = change
        with pytest.raises(DataError, match="score"):
            tool("write", source, tmp_path / "b.pkl")
    for number, info in enumerate([dict(up="y"), dict()]):
        walks = archive_of(tmp_path / f"{number}.gait.h5", True, [IMAGE] * 3, **info)
        if not info:
            with h5py.File(tmp_path / f"{number}.gait.h5", "r+") as file:
                file["positions"][len(walks[0]), 0, 2] = 1
        with pytest.raises(DataError, match="y runs down" if info else "'w1'.* depth"):
            tool("write", tmp_path / f"{number}.gait.h5", tmp_path / "b.pkl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.gait.h5", "1.gait.h5", "a.gait.h5", "a.pkl"]
    with GaitArchive(source) as archive:
        assert len(archive) == 3

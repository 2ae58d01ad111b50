"""The same walk in any format, from any side, in any unit and with any axis up: the same prediction."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from bvh_files import write, xsens_text
from converter_runs import converter
from inference_parts import walk
from puppet import turned
from runs import ROOT

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.prediction import GaitPrediction
from mmgaitemo.archive import UP_AXES, ArchiveInfo, ArchiveWriter
from mmgaitemo.conversion.bvh import read_bvh
from mmgaitemo.conversion.joint_map import preset
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton

REAL = Path(os.environ.get("MMGAITEMO_DATA", ROOT.parent / "shared" / "data")) / "bandai_namco" / "data"
STYLES = ("active", "elderly", "exhausted", "feminine", "normal")


@pytest.fixture(scope="module")
def inferencer() -> GaitEmotionInferencer:
    return GaitEmotionInferencer()  # the model that comes with the package


@pytest.fixture(scope="module", params=["made here", "Bandai-Namco"])
def five(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], str]:
    """Five BVH files and the preset of their joints."""
    if request.param == "Bandai-Namco":
        if not REAL.is_dir():
            pytest.skip("the Bandai-Namco files are not here: set MMGAITEMO_DATA to the folder with bandai_namco")
        return [REAL / f"dataset-2_walk_{style}_001.bvh" for style in STYLES], "bandai_namco"
    folder = tmp_path_factory.mktemp("bvh")
    texts = [xsens_text(walk(4, seed=seed), EGAIT16.joints) for seed in range(5)]
    return [write(folder / f"walk{number}.bvh", text) for number, text in enumerate(texts)], "xsens"


def arrays(five: tuple[list[Path], str]) -> list[np.ndarray]:
    motions = [read_bvh(path) for path in five[0]]
    return [preset(five[1]).apply(motion.positions(), motion.names, "") for motion in motions]


def assert_same(one: list[GaitPrediction], other: list[GaitPrediction], limit: float = 1e-4) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(b.probabilities, a.probabilities, atol=limit)
        assert [window.stop_s for window in b.windows] == pytest.approx([window.stop_s for window in a.windows])
        scale = np.abs(a.features).max()
        np.testing.assert_allclose(b.features / scale, a.features / scale, atol=max(limit / 10, 1e-5))


def test_five_bvh_files_as_csv_and_as_an_archive(
    inferencer: GaitEmotionInferencer, five: tuple[list[Path], str], tmp_path: Path
) -> None:
    paths, name = five
    expected = inferencer(paths, explain=False)
    assert [prediction.id for prediction in expected] == [path.stem for path in paths]
    assert all(len(prediction.windows) > 2 for prediction in expected)
    assert np.ptp([prediction.probabilities for prediction in expected], axis=0).max() > 0.02  # it can tell them apart
    header = ",".join(f"{joint}_{axis}" for joint in EGAIT16.joints for axis in "xyz")
    for path, positions in zip(paths, arrays(five), strict=True):
        rows = (",".join(map(repr, frame.ravel().tolist())) for frame in positions)
        write(tmp_path / "csv" / f"{path.stem}.csv", "\n".join([header, *rows]))
    assert_same(expected, inferencer(tmp_path / "csv", rate=30, explain=False))
    bvh = converter("bvh")
    assert bvh(*paths, tmp_path / "five.gait.h5", "--preset", name) == 0
    assert_same(expected, inferencer(tmp_path / "five.gait.h5", explain=False))


def test_turned_scaled_moved_and_any_axis_up(inferencer: GaitEmotionInferencer, five: tuple[list[Path], str]) -> None:
    expected = inferencer(five[0], explain=False)
    given = arrays(five)
    quarter = [turned(positions, np.array([0.0, 1.0, 0.0]), np.pi / 2) for positions in given]
    assert_same(expected, inferencer(quarter, rate=30, explain=False))
    assert_same(expected, inferencer([100 * positions for positions in given], rate=30, explain=False))
    odd = [turned(100 * positions + [300, 0, -50], np.array([0.0, 1.0, 0.0]), 2.2) for positions in given]
    assert_same(expected, inferencer(odd, rate=30, explain=False))
    # x -> y -> z -> x is a turn: what pointed along y points along z.
    zup = [positions[..., [2, 0, 1]] for positions in quarter]
    assert_same(expected, inferencer(zup, rate=30, up="z", explain=False))


@pytest.mark.parametrize("up", UP_AXES)
def test_every_axis_may_point_up(inferencer: GaitEmotionInferencer, up: str) -> None:
    positions = walk()
    target = np.zeros(3)
    target["xyz".index(up[-1])] = -1.0 if up[0] == "-" else 1.0
    axis = np.cross([0, 1, 0], target)
    angle = np.arccos(target[1])
    recorded = turned(positions, axis if axis.any() else np.array([0.0, 0.0, 1.0]), angle)
    assert_same(inferencer(positions, rate=30, explain=False), inferencer(recorded, rate=30, up=up, explain=False))


def formats(folder: Path, positions: np.ndarray) -> dict[str, Path]:
    names = {suffix: folder / f"walk{suffix}" for suffix in (".npy", ".npz", ".json", ".h5")}
    np.save(names[".npy"], positions)
    np.savez(names[".npz"], walk=positions)
    names[".json"].write_text(json.dumps({"frames": positions.tolist()}))
    with h5py.File(names[".h5"], "w") as file:  # E-Gait's own form
        file["walk"] = positions.reshape(len(positions), -1)
    return names


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".json", ".h5"])
def test_other_formats_give_the_same(inferencer: GaitEmotionInferencer, tmp_path: Path, suffix: str) -> None:
    path = formats(tmp_path, walk())[suffix]
    assert_same(inferencer(walk(), rate=30, explain=False), inferencer(path, rate=30, explain=False), 1e-9)


def test_a_column_map_says_layout_rate_and_axis(inferencer: GaitEmotionInferencer, tmp_path: Path) -> None:
    positions = walk(rate=60)[..., [2, 0, 1]]
    np.save(tmp_path / "walk.npy", positions)
    says = {"skeleton": "egait16", "unit": "m", "up": "z", "rate": 60}
    (tmp_path / "map.json").write_text(json.dumps(says))
    expected = inferencer(positions, rate=60, up="z", explain=False)
    assert_same(expected, inferencer(tmp_path, columns=tmp_path / "map.json", explain=False), 1e-9)


def test_what_is_said_goes_before_what_the_file_says(inferencer: GaitEmotionInferencer, tmp_path: Path) -> None:
    positions = walk(rate=60)
    zup = write(tmp_path / "walk.bvh", xsens_text(positions[..., [2, 0, 1]], EGAIT16.joints, "0.0333333"))
    expected = inferencer(positions, rate=60, explain=False)
    assert_same(expected, inferencer(zup, rate=60, up="z", explain=False))
    with ArchiveWriter(
        tmp_path / "walk.gait.h5", ArchiveInfo("egait16", "m", "z", rate=30), dtype="float64"
    ) as archive:
        archive.append(positions, id="walk")
    assert_same(expected, inferencer(tmp_path / "walk.gait.h5", rate=60, up="y", explain=False))


@pytest.mark.parametrize("rate", [24.0, 50.0, 60.0, 120.0])
def test_the_rate_hardly_matters(inferencer: GaitEmotionInferencer, rate: float) -> None:
    (expected,), (other,) = (inferencer(walk(rate=each), rate=each, explain=False) for each in (30.0, rate))
    assert len(expected.windows) == len(other.windows)
    np.testing.assert_allclose(other.probabilities, expected.probabilities, atol=0.03)
    assert [window.start_s for window in other.windows] == pytest.approx(
        [window.start_s for window in expected.windows], abs=0.06
    )


def middle(positions: np.ndarray, *joints: int) -> np.ndarray:
    return positions[:, joints].mean(axis=1)


REFERENCES: dict[str, Callable[[np.ndarray], dict[str, np.ndarray]]] = {
    "coco17": lambda p: {
        "root": middle(p, 11, 12),
        "spine": middle(p, 5, 6, 11, 12),
        "neck": middle(p, 5, 6),
        "head": middle(p, 3, 4),
        "left_hand": middle(p, 9),
        "right_foot": middle(p, 16),
        "left_knee": middle(p, 13),
    },
    "kinect25": lambda p: {
        "root": middle(p, 0),
        "spine": middle(p, 1),
        "neck": middle(p, 20),
        "head": middle(p, 3),
        "left_hand": middle(p, 6),
        "right_foot": middle(p, 18),
        "left_knee": middle(p, 13),
    },
}


@pytest.mark.parametrize("skeleton", [COCO17, KINECT25], ids=lambda skeleton: skeleton.name)
def test_other_layouts_are_mapped(inferencer: GaitEmotionInferencer, skeleton: Skeleton) -> None:
    positions, name = walk(skeleton=skeleton), skeleton.name
    (prediction,) = inferencer(positions, rate=30, skeleton=name, explain=False)
    for joint, expected in REFERENCES[name](positions).items():
        np.testing.assert_allclose(prediction.positions[:, EGAIT16.joints.index(joint)], expected, atol=1e-12)
    assert any(f"joints of {name}" in repair for repair in prediction.repairs)
    assert len(prediction.windows) >= 4

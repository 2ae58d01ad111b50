"""What may be given to the inferencer, and what is refused with a remedy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from bvh_files import TREE, VALUES, bvh_text, write, xsens_text
from inference_parts import published, walk
from puppet import puppet

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.layouts import to_layout
from mmgaitemo.errors import ConfigError, DataError, GaitError
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, register_skeleton


@pytest.fixture(scope="module")
def inferencer() -> GaitEmotionInferencer:
    return GaitEmotionInferencer(published())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "a.bvh", xsens_text(walk(3), EGAIT16.joints))
    write(tmp_path / "below" / "b.bvh", xsens_text(walk(3, seed=1), EGAIT16.joints))
    (tmp_path / "notes.txt").write_text("not looked at")
    return tmp_path


def ids(inferencer: GaitEmotionInferencer, inputs: object) -> list[str]:
    return [prediction.id for prediction in inferencer(inputs, rate=30, explain=False)]  # type: ignore[arg-type]


def test_files_folders_patterns_arrays_and_mixtures(inferencer: GaitEmotionInferencer, folder: Path) -> None:
    assert ids(inferencer, folder) == ["a", "below/b"]
    assert ids(inferencer, str(folder / "**/*.bvh")) == ["a", "below/b"]
    assert ids(inferencer, [folder / "below", str(folder / "a.bvh"), walk(3)]) == ["b", "a", "array2"]
    assert ids(inferencer, [walk(3), walk(3)]) == ["array0", "array1"]


def test_an_iterator_is_taken_from_as_predictions_are_asked_for(inferencer: GaitEmotionInferencer) -> None:
    taken = []

    def recordings() -> Iterator[np.ndarray]:
        for number in range(1000):
            taken.append(number)
            yield walk(3)

    predictions = GaitEmotionInferencer(published(), batch_size=4).iterate(
        recordings(), inferencer.said(rate=30), explain=False
    )
    assert next(predictions).id == "array0" and len(taken) <= 4


def test_a_broken_file_is_reported_and_the_rest_finished(inferencer: GaitEmotionInferencer, folder: Path) -> None:
    write(folder / "aa.bvh", "HIERARCHY nonsense")
    write(folder / "ab.csv", "")
    (folder / "ac.h5").write_bytes(b"no HDF5")
    np.save(folder / "ad.npy", np.zeros((5, 3)))
    said = []
    with pytest.raises(DataError, match=r"aa\.bvh"):
        inferencer(folder, rate=30, explain=False)
    done = inferencer(folder, rate=30, explain=False, on_error=lambda name, error: said.append((name, str(error))))
    assert [prediction.id for prediction in done] == ["a", "below/b"]
    assert [name for name, _ in said] == ["aa.bvh", "ab.csv", "ac.h5", "ad.npy"]
    assert all("Remedy" in text and name in text for name, text in said)


def test_one_bad_walk_of_a_file_is_reported(inferencer: GaitEmotionInferencer, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "gaits.h5", "w") as file:
        for name, positions in {"a": walk(2), "b": walk(2)[..., [1, 0, 2]], "c": walk(2)}.items():
            file[name] = positions.reshape(len(positions), -1)
    said: list[str] = []
    done = inferencer(tmp_path, rate=30, explain=False, on_error=lambda name, _: said.append(name))
    assert [prediction.id for prediction in done] == ["a", "c"] and said == ["gaits.h5: b"]


def planar() -> np.ndarray:
    return walk() * [1, 1, 0]


def infinite() -> np.ndarray:
    positions = walk()
    positions[3, 4, 1] = np.inf
    return positions


def gone() -> np.ndarray:
    positions = walk()
    positions[20:45, 5] = np.nan
    return positions


def test_one_bad_gait_of_a_features_file_is_reported_and_short_gaps_are_filled(
    inferencer: GaitEmotionInferencer, tmp_path: Path
) -> None:
    good = walk(3).reshape(-1, 48)
    gap, gone = good.copy(), good.copy()
    gap[40:43, :3] = np.nan
    gone[:, :3] = np.nan
    with h5py.File(tmp_path / "features.h5", "w") as file:
        for name, rows in {"gap": gap, "gone": gone, "good": good, "short": good[:1], "void": good[:0]}.items():
            file[name] = rows
        file["flat"], file["word"], file["wide"] = good.ravel(), "walk", np.repeat(good, 2, axis=1)
        file.create_group("group")
        file["link"] = h5py.SoftLink("/nowhere")
    refused: dict[str, str] = {}
    said = inferencer.said(rate=30)
    answers = {
        prediction.id: prediction
        for prediction in inferencer.iterate(
            tmp_path / "features.h5", said, on_error=lambda name, error: refused.update({name: str(error)})
        )
    }
    assert list(answers) == ["gap", "good"]
    assert any("3 joint positions interpolated" in repair for repair in answers["gap"].repairs)
    reasons = {name.rsplit(" ", 1)[-1]: reason for name, reason in refused.items()}
    assert [*reasons] == ["flat", "gone", "group", "link", "short", "void", "wide", "word"]
    assert all("too short" in reasons[name] for name in ("short", "void"))
    assert all("a gait is a table of numbers" in reasons[name] for name in ("flat", "group", "link", "word"))
    assert "needs 48 columns" in reasons["wide"]


def test_a_features_file_without_any_gait_is_refused_in_one_piece(
    inferencer: GaitEmotionInferencer, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "labels.h5", "w") as file:
        file["one"], file["two"] = 1, 2
    refused: list[str] = []
    assert not inferencer(tmp_path / "labels.h5", rate=30, on_error=lambda name, _: refused.append(name))
    assert refused == ["labels.h5"]


@pytest.mark.parametrize(
    ("positions", "says", "message"),
    [
        (walk(), {"rate": None}, "rate is not known.*--rate"),
        (walk(), {"up": "z"}, "does not stand upright with z up.*--up"),
        (walk(), {"up": "-y"}, "does not stand upright"),
        (walk(), {"skeleton": "kinect25"}, r"needs numbers \(T, 25, 3\)"),
        (planar(), {}, "two dimensions"),
        (infinite(), {}, "infinite"),
        (gone(), {}, "joint 5 is missing in 25 frames"),
        (walk()[:1], {}, "too short"),
        (walk()[:3], {"rate": 1000.0}, "too short"),
        (walk().astype(str), {}, "needs numbers"),
        (np.full((60, 16, 3), np.nan), {}, "missing"),
        (walk()[:, [0] * 16], {}, "centre and neck coincide"),
    ],
    ids=lambda value: None if isinstance(value, np.ndarray) else str(value),
)
def test_what_is_no_walk_is_refused(
    inferencer: GaitEmotionInferencer, positions: np.ndarray, says: dict, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        inferencer(positions, **{"rate": 30.0, **says})


@pytest.mark.parametrize(
    ("inputs", "says", "message"),
    [
        ("nowhere.bvh", {}, "no such file"),
        ("*.nothing", {}, "no file is named so"),
        (3, {}, "neither array nor path"),
        ([3], {}, "neither array nor path"),
        ([], {"up": "up"}, "is no axis"),
        ([], {"rate": -1.0}, "no frame rate"),
        ([], {"skeleton": "spider"}, "no such layout"),
        ([], {"columns": "nowhere.json"}, "nowhere.json"),
        ([], {"joint_map": "nowhere.json"}, "nowhere.json"),
    ],
)
def test_impossible_arguments(inferencer: GaitEmotionInferencer, inputs: object, says: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        inferencer(inputs, **says)  # type: ignore[arg-type]


def test_a_file_of_another_kind(inferencer: GaitEmotionInferencer, tmp_path: Path) -> None:
    write(tmp_path / "model.pth", "x")
    with pytest.raises(DataError, match=r"is no recording.*\.bvh"):
        inferencer(tmp_path / "model.pth")


def test_bvh_of_an_unknown_skeleton_names_the_presets_and_takes_a_map(
    inferencer: GaitEmotionInferencer, tmp_path: Path
) -> None:
    path = write(tmp_path / "odd.bvh", bvh_text(TREE, VALUES))
    with pytest.raises(DataError, match=r"no joint map of the package fits.*Hips.*xsens"):
        inferencer(path)
    with pytest.raises(DataError, match="joints that the map names are missing"):
        inferencer(path, joint_map="xsens")


def test_a_layout_of_the_users_own_is_mapped_by_what_its_record_says() -> None:
    order = [15 - joint for joint in range(16)]  # the same body with its joints in another order and of other names
    place = [order.index(joint) for joint in range(16)]

    def moved(joints: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(place[joint] for joint in joints)

    own = register_skeleton(
        replace(
            EGAIT16,
            name="own16",
            joints=tuple("bottom" if EGAIT16.joints[j] == "root" else EGAIT16.joints[j] for j in order),
            parents=tuple(-1 if EGAIT16.parents[j] < 0 else place[EGAIT16.parents[j]] for j in order),
            parts={part: moved(joints) for part, joints in EGAIT16.parts.items()},
            upper_limbs=moved(EGAIT16.upper_limbs),
            pairs=tuple((place[left], place[right]) for left, right in EGAIT16.pairs),
            centre=moved(EGAIT16.centre),
            neck=moved(EGAIT16.neck),
            hips=(place[10], place[13]),
        )
    )
    positions = puppet(EGAIT16)
    np.testing.assert_array_equal(to_layout(positions[:, order], own, EGAIT16, "here"), positions)


def test_a_layout_that_cannot_be_mapped_names_the_joints() -> None:
    with pytest.raises(DataError, match=r"nothing for .*left_hand_tip") as caught:
        to_layout(puppet(EGAIT16), EGAIT16, KINECT25, "here")
    assert isinstance(caught.value, GaitError) and "joint map" in str(caught.value)


def test_missing_joints_stay_missing_in_the_other_layout() -> None:
    positions = puppet(COCO17)
    positions[4, 11] = np.nan
    mapped = to_layout(positions, COCO17, EGAIT16, "here")
    gone_now = {EGAIT16.joints[joint] for joint in np.flatnonzero(np.isnan(mapped[4]).any(axis=-1))}
    assert gone_now == {"root", "spine", "left_hip"} and not np.isnan(mapped[5]).any()


def test_files_of_one_name_in_several_folders_are_several(inferencer: GaitEmotionInferencer, folder: Path) -> None:
    for name in ("one", "two"):
        write(folder / name / "walk.bvh", xsens_text(walk(3), EGAIT16.joints))
    assert ids(inferencer, str(folder / "*/walk.bvh")) == ["one/walk", "two/walk"]
    assert ids(inferencer, str(folder / "[ot]*")) == ["one/walk", "two/walk"]


def test_a_name_that_is_no_text(inferencer: GaitEmotionInferencer, tmp_path: Path) -> None:
    try:
        np.save(tmp_path / os.fsdecode(b"\xff.npy"), walk(3))
    except OSError:
        pytest.skip("the file system has no such names")
    for given in (tmp_path, str(tmp_path / "*.npy")):
        (prediction,) = inferencer(given, rate=30, explain=False)
        f"{prediction.id} {prediction.source}".encode()

"""Joint maps: every joint from the right place, in the right unit, on the right side; bad maps named by key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgaitemo.conversion.joint_map import JointMap, load_joint_map, preset, presets
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton

PRESETS = ["bandai_namco", "cmu", "kinect_v2", "mixamo", "xsens"]
SIDES = (("Left", "Right"), ("_L", "_R"), ("left", "right"))
# Where the joints lie below or above the neck, as a share of the way from the root to it, in walks of E-Gait (spine
# 0.48, head 1.3, shoulders 0.9) and of Kinect v2 (0.51, 1.2, 0.8), and the T-poses of published files in these formats.
REST = {
    "cmu": dict(
        Spine=(0, 2.0, 0), Neck1=(0, 5.75, 0), Head=(0, 7.47, 0), LeftArm=(3.4, 5.0, 0), RightArm=(-3.5, 4.9, 0)
    )
    | dict(LeftUpLeg=(1.8, -1.9, 0), RightUpLeg=(-1.6, -1.9, 0), Neck=(0, 4.05, 0), Spine1=(0, 4.05, 0)),
    "xsens": dict(Hips=(0, 0, 0), Chest2=(0, 20.7, 0), Chest3=(0, 30.6, 0), Neck=(0, 54.4, 0), Head=(0, 63.7, 0))
    | dict(Head_end=(0, 80.8, 0), LeftShoulder=(17, 48.3, 0), RightShoulder=(-17, 48.3, 0)),
}


def as_json(layout: Skeleton = EGAIT16, **changes: Any) -> dict[str, Any]:
    joints = {name: f"bone_{name}" for name in reversed(layout.joints)}  # the order of a map means nothing
    values = {"skeleton": layout.name, "unit": "m", "up": "y", "joints": joints, **changes}
    return {key: value for key, value in values.items() if value is not ...}


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Any], JointMap]:
    def read(content: Any) -> JointMap:
        path = tmp_path / "map.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return load_joint_map(path)

    return read


@pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17], ids=lambda skeleton: skeleton.name)
def test_joints_come_from_their_names_in_any_order(load: Callable, skeleton: Skeleton) -> None:
    rng = np.random.default_rng(0)
    names = ["other", *(f"bone_{name}" for name in skeleton.joints)]
    positions = rng.normal(size=(4, len(names), 3))
    order = rng.permutation(len(names))
    mapped = load(as_json(skeleton)).apply(positions[:, order], [names[place] for place in order], "walk")
    np.testing.assert_array_equal(mapped, positions[:, 1:])


def test_lists_are_means_and_scale_goes_to_the_unit(load: Callable) -> None:
    content = as_json(scale=2.5)
    content["joints"]["head"] = ["bone_head", "top", "bone_neck"]
    names = [*(f"bone_{name}" for name in EGAIT16.joints), "top"]
    positions = np.random.default_rng(0).normal(size=(4, 17, 3))
    mapped = load(content).apply(positions, names, "walk")
    np.testing.assert_allclose(mapped[:, 3], 2.5 * (positions[:, 3] + positions[:, 16] + positions[:, 2]) / 3)
    np.testing.assert_array_equal(mapped[:, [0, 15]], 2.5 * positions[:, [0, 15]])


def test_missing_joints_are_named_with_near_ones(load: Callable) -> None:
    names = [f"bone_{name}" for name in EGAIT16.joints]
    names[5] = "bone_left_elbo"
    with pytest.raises(DataError) as error:
        load(as_json()).apply(np.zeros((2, 16, 3)), names, "walk 7")
    assert all(words in str(error.value) for words in ("walk 7", "bone_left_elbow (near: bone_left_elbo", "bone_root"))


def test_a_name_that_occurs_twice_is_refused_only_if_it_is_needed(load: Callable) -> None:
    names = [*(f"bone_{name}" for name in EGAIT16.joints), "nub", "nub"]
    load(as_json()).apply(np.zeros((2, 18, 3)), names, "walk")
    with pytest.raises(DataError, match=r"twice.*bone_head"):
        load(as_json()).apply(np.zeros((2, 18, 3)), [*names[:17], "bone_head"], "walk")


BAD: dict[str, tuple[Any, list[str]]] = {
    "no JSON": ("{", ["no JSON"]),
    "not an object": ([1], ["one object", "list"]),
    "deep nesting": ("[" * 100_000, ["no JSON"]),
    "a key twice": ('{"unit": "m", "unit": "cm"}', ["'unit'", "twice"]),
    "unknown key": (as_json(units="m"), ["units", "unit"]),
    "unknown unit": (as_json(unit="km"), ["'unit'", "'km'"]),
    "no unit": (as_json(unit=...), ["'unit'", "None"]),
    "unknown axis": (as_json(up="w"), ["'up'", "'w'"]),
    "unknown layout": (as_json(skeleton="smpl"), ["smpl", "egait16"]),
    "no layout": (as_json(skeleton=...), ["'skeleton'"]),
    "scale 0": (as_json(scale=0), ["'scale'"]),
    "scale NaN": (as_json(scale=float("nan")), ["'scale'"]),
    "scale without end": (json.dumps(as_json(scale=3)).replace(": 3", ": 1" + "0" * 400), ["'scale'"]),
    "scale that is true": (as_json(scale=True), ["'scale'"]),
    "half a frame": (as_json(skip_frames=0.5), ["'skip_frames'"]),
    "negative frames": (as_json(skip_frames=-1), ["'skip_frames'"]),
    "bad expression": (as_json(pattern="("), ["'pattern'"]),
    "text that is none": (as_json(source=3), ["'source'"]),
    "no joints": (as_json(joints=...), ["'joints'", "root"]),
    "joint missing": (as_json(joints={"root": "a"}), ["'joints'", "spine"]),
    "unknown joint": (as_json(joints={**as_json()["joints"], "nose": "a"}), ["unknown ['nose']"]),
    "joint of nothing": (as_json(joints={**as_json()["joints"], "head": []}), ["'head'"]),
    "joint of a number": (as_json(joints={**as_json()["joints"], "head": ["a", 3]}), ["'head'", "3"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_maps_are_refused_by_key(load: Callable, case: str) -> None:
    content, words = BAD[case]
    with pytest.raises(ConfigError) as error:
        load(content)
    assert all(word in str(error.value) for word in ["map.json" if case != "unknown layout" else "", *words])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "absent.json", tmp_path / "binary.json"):
        with pytest.raises(ConfigError, match="no readable joint map"):
            load_joint_map(path)
    with pytest.raises(ConfigError, match=r"'smpl'.*'xsens'"):
        preset("smpl")


def test_presets() -> None:
    assert presets() == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_presets_take_left_from_left_and_right_from_right(name: str) -> None:
    joint_map = preset(name)
    assert joint_map.source
    middle = set(range(joint_map.skeleton.num_joints)) - set(sum(joint_map.skeleton.pairs, ()))

    def mirrored(sources: tuple[str, ...]) -> set[str]:
        result = set()
        for source in sources:
            for left, right in SIDES:
                source = source.replace(left, "<side>").replace(right, left).replace("<side>", right)
            result.add(source)
        return result

    joints = joint_map.joints
    for left, right in joint_map.skeleton.pairs:
        one, other = (joint_map.skeleton.joints[joint] for joint in (left, right))
        assert mirrored(joints[one]) == set(joints[other]) != set(joints[one])
        assert all(any(side in source for side, _ in SIDES) for source in joints[one])
    for joint in middle:
        sources = joints[joint_map.skeleton.joints[joint]]
        assert mirrored(sources) == set(sources)
    assert len({sources for sources in joints.values()}) == len(joints)


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "mixamorig1:", "mixamorig_", "mixamorig"])
def test_mixamo_with_and_without_its_name_space(prefix: str) -> None:
    joint_map = preset("mixamo")
    names = sorted({name for sources in joint_map.joints.values() for name in sources})
    positions = np.random.default_rng(0).normal(size=(2, len(names), 3))
    mapped = joint_map.apply(positions, [prefix + name for name in names], "walk")
    np.testing.assert_array_equal(mapped[:, 1], positions[:, names.index("Spine1")])
    with pytest.raises(DataError, match="missing"):
        joint_map.apply(positions, ["robot:" + name for name in names], "walk")


@pytest.mark.parametrize("name", REST)
def test_presets_place_the_trunk_as_egait_does(name: str) -> None:
    joint_map, rest = preset(name), REST[name]
    names = sorted({source for sources in joint_map.joints.values() for source in sources} | set(rest))
    positions = np.array([[rest.get(source, (0, 0, 0)) for source in names]], dtype=float)
    mapped = joint_map.apply(positions, names, "walk")[0]
    height = dict(zip(EGAIT16.joints, (mapped[:, 1] - mapped[0, 1]) / (mapped[2, 1] - mapped[0, 1]), strict=True))
    assert 0.38 < height["spine"] < 0.6
    assert 1.15 < height["head"] < 1.4
    assert 0.8 < height["left_shoulder"] < 0.95
    trunk = (mapped[2, 1] - mapped[0, 1]) * {"m": 100, "cm": 1}[joint_map.unit]
    assert 40 < trunk < 60, "centimetres"

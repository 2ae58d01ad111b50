"""Kinematic features: what they do not depend on, what they mean, and plain versions of their equations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from puppet import puppet, turned

import mmgaitemo.kinematics
from mmgaitemo.datasets.pipelines import AlignHeading, BodyScale, CentreRoot, Kinematics, PackGait
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.kinematics import FEATURES, MIRROR, MIRROR_SIGN, NAMES, walk_kinematics
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton

Z_UP = replace(EGAIT16, name="z_up", up=2)
SIDEWAYS_Z = replace(EGAIT16, name="sideways_z", lateral=2)
LAYOUTS = pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17, Z_UP, SIDEWAYS_Z], ids=lambda s: s.name)
TURNING = ("shoulder", "hip")
JOINT = {name: number for number, name in enumerate(EGAIT16.joints)}


def kinematics(positions: np.ndarray, skeleton: Skeleton = EGAIT16, rate: float = 30.0, **known) -> np.ndarray:
    sample = {"id": "w", "positions": positions, "skeleton": skeleton, "rate": rate}
    return Kinematics().transform(sample | known)["kinematics"]


def cycle(skeleton: Skeleton = EGAIT16, **habits) -> np.ndarray:
    return puppet(skeleton, frames=34, limp=0.2, **habits)


def one(positions: np.ndarray, name: str) -> float:
    return kinematics(positions)[NAMES.index(name)]


@pytest.fixture(scope="module")
def framed() -> np.ndarray:
    results = {"id": "w", "positions": cycle(), "skeleton": EGAIT16}
    for step in (CentreRoot(), BodyScale(), AlignHeading()):
        results = step.transform(results)
    return results["positions"]


# What they do not depend on


@LAYOUTS
def test_neither_start_nor_place_heading_or_size_matter(skeleton: Skeleton) -> None:
    walk = cycle(skeleton)
    expected = kinematics(walk, skeleton)
    up = np.eye(3)[skeleton.up]
    elsewhere = 2.54 * turned(np.roll(walk, 11, axis=0), up, 2.0) + np.array([3.0, -2.0, 5.0])
    np.testing.assert_allclose(kinematics(elsewhere, skeleton), expected, rtol=1e-7, atol=1e-7)


def test_axes_of_the_layout_do_not_matter() -> None:
    expected = kinematics(cycle())
    for skeleton in (Z_UP, SIDEWAYS_Z):
        np.testing.assert_allclose(kinematics(cycle(skeleton), skeleton), expected, rtol=1e-7, atol=1e-7)


def test_number_of_cycles_does_not_matter() -> None:
    once = kinematics(cycle())
    twice = np.concatenate([cycle(), cycle()])
    np.testing.assert_allclose(kinematics(twice, cycles=2), once, rtol=1e-9, atol=1e-9)
    found = kinematics(np.concatenate([twice, twice]))  # nobody says how many: the feet show it
    assert found[NAMES.index("log_cycle")] == pytest.approx(once[NAMES.index("log_cycle")], abs=0.01)


@LAYOUTS
def test_features_of_the_mirrored_walk_are_known(skeleton: Skeleton) -> None:
    walk = cycle(skeleton)
    mirrored = walk[:, list(skeleton.mirror)] * np.where(np.arange(3) == skeleton.lateral, -1.0, 1.0)
    features = kinematics(walk, skeleton)
    known = MIRROR_SIGN * features[MIRROR]
    np.testing.assert_allclose(kinematics(mirrored, skeleton), known, rtol=1e-7, atol=1e-7)
    assert np.abs(known - features).max() > 0.1  # the puppet limps
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(len(NAMES)))
    np.testing.assert_array_equal(MIRROR_SIGN[MIRROR], MIRROR_SIGN)


# What they mean


def test_units_of_time_follow_the_rate() -> None:
    slow, fast = kinematics(cycle()), kinematics(cycle(), rate=60.0)
    for feature, before, after in zip(FEATURES, slow, fast, strict=True):
        power = {"trunk/s": 1, "steps/s": 1, "trunk/s^2": 2, "trunk/s^3": 3}.get(feature.unit, 0)
        expected = before - np.log(2) if feature.name == "log_cycle" else before * 2**power
        assert after == pytest.approx(expected, rel=1e-9, abs=1e-9), feature.name


@pytest.mark.parametrize(
    ("joint", "axis", "by", "name"),
    [
        ("head", 2, -0.1, "head_lean_ahead_mean"),  # E-Gait's bodies face -z, left is -x
        ("head", 0, -0.1, "head_lean_left_mean"),
        ("head", 0, -0.1, "head_left_mean"),
        ("left_hand", 2, -0.1, "left_hand_ahead_mean"),
        ("left_hand", 0, -0.1, "left_hand_out_mean"),
        ("right_hand", 0, 0.1, "right_hand_out_mean"),
        ("right_elbow", 0, 0.1, "right_upper_arm_out_mean"),
        ("left_shoulder", 1, 0.1, "left_collar_up_mean"),
        ("left_shoulder", 2, -0.1, "left_collar_ahead_mean"),
        ("right_shoulder", 2, -0.1, "shoulders_turn_left_mean"),
        ("right_shoulder", 1, 0.1, "shoulders_roll_left_mean"),
        ("right_shoulder", 2, -0.1, "trunk_twist_left_mean"),
        ("left_knee", 2, -0.1, "left_thigh_ahead_mean"),
        ("left_foot", 0, -0.1, "step_width"),
        ("left_foot", 2, -0.1, "left_step_length"),
    ],
)
def test_signs_are_what_the_names_say(joint: str, axis: int, by: float, name: str) -> None:
    moved = cycle()
    moved[:, JOINT[joint], axis] += by
    assert one(moved, name) > one(cycle(), name) + 0.01


def test_shoulders_that_turn_with_the_hips_do_not_twist_the_trunk() -> None:
    together = cycle()
    width = {
        name: np.ptp(together[:, [JOINT[f"left_{name}"], JOINT[f"right_{name}"]], 0].mean(axis=0)) for name in TURNING
    }
    for side in ("left", "right"):
        hip = together[:, JOINT[f"{side}_hip"], 2]
        together[:, JOINT[f"{side}_shoulder"], 2] = hip * width["shoulder"] / width["hip"]
    assert one(together, "trunk_twist_left_range") < 0.1 * one(together, "hips_turn_left_range")
    assert one(cycle(), "trunk_twist_left_range") > 0.5 * one(cycle(), "hips_turn_left_range")


def test_a_walk_that_mirrors_itself_half_a_cycle_later_is_even() -> None:
    walk = puppet(EGAIT16, frames=66, period=66)
    half = np.roll(walk, 33, axis=0)[:, list(EGAIT16.mirror)] * [-1, 1, 1]
    even = (walk + half) / 2
    for name in ("arms_unlike", "legs_unlike", "arm_swing_asymmetry", "step_asymmetry"):
        assert one(even, name) == pytest.approx(0, abs=1e-9)
        assert abs(one(cycle(), name)) > 0.01
    assert one(even[::2], "arms_unlike") < 0.003  # 33 frames: half a cycle lies between two of them


# Plain versions of the equations


def test_numbers_equal_their_equations(framed: np.ndarray) -> None:
    features = dict(zip(NAMES, walk_kinematics(framed, EGAIT16, 30.0, 34.0), strict=True))
    at = {name: framed[:, number] for name, number in JOINT.items()}
    ahead = {name: -place[:, 2] for name, place in at.items()}

    def norm(vector: np.ndarray) -> np.ndarray:
        return np.linalg.norm(vector, axis=-1)

    a, b, c = (
        norm(at[p] - at[q])
        for p, q in (("left_shoulder", "left_elbow"), ("left_elbow", "left_hand"), ("left_shoulder", "left_hand"))
    )
    elbow = np.arccos((a**2 + b**2 - c**2) / (2 * a * b))  # law of cosines
    assert features["left_elbow_mean"] == pytest.approx(elbow.mean())
    assert features["left_elbow_range"] == pytest.approx(elbow.max() - elbow.min())
    assert features["left_elbow_sd"] == pytest.approx(elbow.std())
    trunk = at["neck"] - at["root"]
    assert features["trunk_lean_ahead_mean"] == pytest.approx(np.arcsin(-trunk[:, 2] / norm(trunk)).mean())
    a, b, c = (
        norm(at[p] - at[q]) for p, q in (("left_hand", "right_hand"), ("left_hand", "neck"), ("right_hand", "neck"))
    )
    s = (a + b + c) / 2
    heron = np.sqrt(s * (s - a) * (s - b) * (s - c))
    assert features["hands_neck_area_mean"] == pytest.approx(heron.mean())
    assert features["hands_apart_range"] == pytest.approx(np.ptp(a))
    steps = np.ptp(ahead["left_foot"]) + np.ptp(ahead["right_foot"])
    assert features["stride_length"] == pytest.approx(steps)
    assert features["speed"] == pytest.approx(steps * 30 / 34)
    assert features["cadence"] == pytest.approx(2 * 30 / 34)
    swings = [ahead["left_foot"][(t + 1) % 34] > ahead["left_foot"][t] for t in range(34)]
    assert features["left_swing_share"] == pytest.approx(np.mean(swings))
    correlation = np.corrcoef(ahead["right_hand"], ahead["left_foot"])[0, 1]
    assert features["right_hand_with_other_foot"] == pytest.approx(correlation, abs=1e-3)
    corner = np.stack([place for name, place in at.items() if name != "spine"])
    box = (corner.max(axis=0) - corner.min(axis=0)).prod(axis=-1)
    assert features["box_volume_range"] == pytest.approx(np.ptp(box))
    assert features["lowest_foot_mean"] == pytest.approx(
        np.minimum(at["left_foot"][:, 1], at["right_foot"][:, 1]).mean()
    )


def test_movements_equal_their_equations(framed: np.ndarray) -> None:
    features = dict(zip(NAMES, walk_kinematics(framed, EGAIT16, 30.0, 34.0), strict=True))
    hand = framed[:, JOINT["left_hand"]]

    def p(t: int) -> np.ndarray:
        return hand[t % 34]

    speed = [np.linalg.norm(p(t + 1) - p(t)) * 30 for t in range(34)]
    acceleration = [np.linalg.norm(p(t + 2) - 2 * p(t + 1) + p(t)) * 30**2 for t in range(34)]
    jerk = [np.linalg.norm(p(t + 3) - 3 * p(t + 2) + 3 * p(t + 1) - p(t)) * 30**3 for t in range(34)]
    for name, values in (("speed", speed), ("acceleration", acceleration), ("jerk", jerk)):
        assert features[f"left_hand_{name}_mean"] == pytest.approx(np.mean(values))
        assert features[f"left_hand_{name}_max"] == pytest.approx(np.max(values))
    rough = np.log(np.mean(np.square(jerk)) / np.mean(np.square(speed)) * (34 / 30) ** 4)
    assert features["left_hand_roughness"] == pytest.approx(rough, abs=1e-4)


def test_a_statue_has_finite_features() -> None:
    features = dict(zip(NAMES, kinematics(np.repeat(cycle()[:1], 20, axis=0)), strict=True))
    assert np.isfinite(list(features.values())).all()
    for name in ("left_hand_speed_max", "left_hand_roughness", "hands_correlation", "trunk_lean_ahead_sd"):
        assert features[name] == pytest.approx(0, abs=1e-9)


def test_the_documented_table_counts_all_of_them() -> None:
    assert len(set(NAMES)) == len(FEATURES) == len(kinematics(cycle()))
    rows = mmgaitemo.kinematics.__doc__.split("===\n")[2].splitlines()
    counts = [int(row[59:67]) for row in rows if row[59:67].strip().isdigit()]
    assert sum(counts) == len(NAMES)
    assert f"\n{len(NAMES)} numbers" in mmgaitemo.kinematics.__doc__


# What is refused


def test_a_layout_without_a_joint_is_named() -> None:
    legs_only = replace(
        EGAIT16, name="armless", joints=tuple(n.replace("left_hand", "left_hook") for n in EGAIT16.joints)
    )
    with pytest.raises(ConfigError, match=r"pipeline.kinematics.*'armless' has no left_hand.*left_hand or left_wrist"):
        kinematics(cycle(), legs_only)


def test_an_unknown_rate_and_a_wrong_up_axis_are_named() -> None:
    with pytest.raises(ConfigError, match=r"Kinematics needs the sequence's rate.*Kinematics\(rate="):
        kinematics(cycle(), rate=None)
    assert Kinematics(rate=30).transform({"id": "w", "positions": cycle(), "skeleton": EGAIT16, "rate": None})
    with pytest.raises(ConfigError, match=r"Kinematics needs y up.*Upright"):
        kinematics(cycle(), up="z")
    with pytest.raises(ConfigError, match=r"Kinematics.rate.*0"):
        Kinematics(rate=0)


def test_numbers_that_are_not_finite_are_named() -> None:
    sample = {"id": "w", "positions": cycle(), "skeleton": EGAIT16, "kinematics": np.array([1.0, 1e300])}
    with pytest.raises(DataError, match=r"'w'.*kinematics that are no finite.*1 of 2"):
        PackGait().transform(sample)

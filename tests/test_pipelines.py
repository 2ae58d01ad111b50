"""The per-sequence transforms: each against a loop written out here, and together against place, size and heading."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmgaitemo.datasets import build_pipeline
from mmgaitemo.datasets.pipelines import AlignHeading, BodyScale, CentreRoot, PackGait, Resample, TileCyclic
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton

Z_UP = replace(EGAIT16, name="z_up", up=2)
SIDEWAYS_Z = replace(EGAIT16, name="sideways_z", lateral=2)
LAYOUTS = pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17, Z_UP, SIDEWAYS_Z], ids=lambda s: s.name)

NORMALISE = dict(
    order=("length", "centre", "scale", "heading", "pack"),
    length=dict(type="TileCyclic", length=48),
    centre=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    heading=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)


def sample(skeleton: Skeleton, frames: int = 31, seed: int = 0) -> dict:
    """A body of random shape that wobbles: no symmetry, so no transform can be right by accident."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 0.4, (1, skeleton.num_joints, 3))
    positions = body + rng.normal(0, 0.05, (frames, skeleton.num_joints, 3)) + rng.normal(0, 0.2, (frames, 1, 3))
    return {"id": "gait_7", "positions": positions, "skeleton": skeleton}


def yaw(positions: np.ndarray, angle: float, skeleton: Skeleton) -> np.ndarray:
    """Turn about the vertical by Rodrigues' formula."""
    axis = np.eye(3)[skeleton.up]
    along = (positions @ axis)[..., None] * axis
    return along + np.cos(angle) * (positions - along) + np.sin(angle) * np.cross(axis, positions)


@pytest.mark.parametrize("frames", [2, 18, 47, 48, 49, 75, 240])
def test_tile_repeats_the_cycle_then_cuts(frames):
    results = sample(EGAIT16, frames)
    tiled = TileCyclic(48).transform(results)["positions"]
    assert tiled.shape == (48, 16, 3)
    for t in range(48):
        assert np.array_equal(tiled[t], results["positions"][t % frames])
    half_rate = TileCyclic(24, stride=2).transform(results)["positions"]
    assert np.array_equal(half_rate, tiled[::2])


@pytest.mark.parametrize("frames", [2, 18, 48, 75])
def test_resample_interpolates_each_coordinate_over_time(frames):
    results = sample(EGAIT16, frames)
    old = results["positions"]
    new = Resample(48).transform(results)["positions"]
    expected = np.empty((48, 16, 3))
    for joint in range(16):
        for axis in range(3):
            expected[:, joint, axis] = np.interp(
                np.arange(48) * (frames - 1) / 47, np.arange(frames), old[:, joint, axis]
            )
    assert np.allclose(new, expected, atol=1e-12)
    assert np.allclose(new[[0, -1]], old[[0, -1]])


@LAYOUTS
def test_centring_moves_every_frame_as_a_whole(skeleton):
    results = sample(skeleton)
    moved = CentreRoot().transform(results)["positions"]
    for before, after in zip(results["positions"], moved, strict=True):
        centre = np.mean([after[j] for j in skeleton.centre], axis=0)
        assert np.allclose(centre, 0)
        assert np.allclose(after - after[0], before - before[0])  # the pose is untouched


@LAYOUTS
def test_body_scale_makes_the_mean_trunk_one_long_without_bending_the_pose(skeleton):
    results = sample(skeleton)
    scaled = BodyScale().transform(results)["positions"]
    trunks = [
        np.linalg.norm(frame[list(skeleton.neck)].mean(0) - frame[list(skeleton.centre)].mean(0)) for frame in scaled
    ]
    assert np.mean(trunks) == pytest.approx(1)
    ratio = scaled / results["positions"]
    assert np.allclose(ratio, ratio.flat[0])  # one factor for the whole sequence


@LAYOUTS
def test_heading_puts_the_left_hip_on_the_negative_lateral_axis_by_one_turn_about_the_vertical(skeleton):
    results = sample(skeleton)
    old, new = results["positions"], AlignHeading().transform(results)["positions"]
    left, right = skeleton.hips
    hips = (new[:, left] - new[:, right]).mean(axis=0)
    assert hips[skeleton.lateral] < 0
    assert hips[skeleton.forward] == pytest.approx(0, abs=1e-12)
    assert np.array_equal(new[..., skeleton.up], old[..., skeleton.up])
    angles = np.linspace(0, 2 * np.pi, 20001)
    turned = yaw((old[:, left] - old[:, right]).mean(axis=0)[None], 0, skeleton)
    candidates = np.array([yaw(turned[0], angle, skeleton)[skeleton.lateral] for angle in angles])
    assert np.allclose(new, yaw(old, angles[candidates.argmin()], skeleton), atol=1e-3)  # a turn, never a mirror


def test_aligned_walker_faces_as_egait_does():
    """Left is -x and up is y: a walker with the head thrust ahead must thrust it to -z, not +z."""
    positions = np.zeros((4, 16, 3))
    positions[:, 10], positions[:, 13] = (0, 0, 0.1), (0, 0, -0.1)  # left hip on +z, right hip on -z ...
    positions[:, 3] = (-0.2, 0.7, 0)  # ... up is y, so this one faces left hip x up = (-1, 0, 0)
    results = {"id": "a", "positions": positions, "skeleton": EGAIT16}
    head = AlignHeading().transform(results)["positions"][0, 3]
    assert np.allclose(head, (0, 0.7, -0.2))


@LAYOUTS
def test_pack_is_channels_time_joints(skeleton):
    results = sample(skeleton)
    inputs = PackGait().transform(results)["inputs"]
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous()
    assert inputs.shape == (3, 31, skeleton.num_joints)
    for c, t, v in [(0, 0, 0), (1, 30, 5), (2, 17, skeleton.num_joints - 1)]:
        assert inputs[c, t, v].item() == np.float32(results["positions"][t, v, c])


@LAYOUTS
@pytest.mark.parametrize("angle", [0.3, np.pi / 2, np.pi, 4.0])
def test_place_size_and_heading_do_not_reach_the_network(skeleton, angle):
    pipeline = build_pipeline(NORMALISE)
    results = sample(skeleton)
    elsewhere = 170.0 * yaw(results["positions"], angle, skeleton) + (4000.0, -300.0, 12.0)
    here = pipeline(results)["inputs"]
    there = pipeline(results | {"positions": elsewhere})["inputs"]
    assert (here - there).abs().max() < 1e-4
    assert here.abs().max() > 0.1


def test_mirrored_gait_stays_mirrored():
    """Normalisation must not undo the difference between left and right."""
    pipeline, results = build_pipeline(NORMALISE), sample(EGAIT16)
    mirrored = results["positions"][:, EGAIT16.mirror] * (-1, 1, 1)
    expected = pipeline(results)["inputs"][:, :, list(EGAIT16.mirror)] * torch.tensor([-1.0, 1, 1])[:, None, None]
    assert torch.allclose(pipeline(results | {"positions": mirrored})["inputs"], expected, atol=1e-5)
    assert not torch.allclose(pipeline(results)["inputs"], expected, atol=1e-1)


def test_transforms_leave_their_input_alone_and_repeat_themselves():
    results = sample(EGAIT16)
    before = results["positions"].copy()
    pipeline = build_pipeline(NORMALISE)
    assert torch.equal(pipeline(results)["inputs"], pipeline(results)["inputs"])
    for step in pipeline.transforms:
        step(results)
    assert np.array_equal(results["positions"], before)
    assert set(results) == {"id", "positions", "skeleton"}


def test_steps_run_in_the_stated_order_and_none_takes_one_out():
    results = sample(EGAIT16, 31)
    steps = dict(sorted(NORMALISE.items()), length=None, scale=None)  # sorted, as in a dumped config
    inputs = build_pipeline(steps)(results)["inputs"]
    by_hand = PackGait().transform(AlignHeading().transform(CentreRoot().transform(results)))["inputs"]
    assert torch.equal(inputs, by_hand)
    kinds = [type(step).__name__ for step in build_pipeline(NORMALISE).transforms]
    assert kinds == ["TileCyclic", "CentreRoot", "BodyScale", "AlignHeading", "PackGait"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (dict(type="TurnAround"), ["pipeline.a", "TurnAround", "TileCyclic", "None to take the step out"]),
        (dict(length=48), ["pipeline.a", "None"]),
        ("PackGait", ["pipeline.a"]),
        (dict(type="Shear"), ["pipeline.a", "Shear", "per-sequence"]),  # a batched augmentation
        (dict(type="CentreRoot", joint=0), ["pipeline.a", "joint", "CentreRoot"]),
        (dict(type="TileCyclic", length=1), ["TileCyclic.length", "Found: 1"]),
        (dict(type="TileCyclic", stride=0), ["TileCyclic.stride", "Found: 0"]),
        (dict(type="TileCyclic", stride=0.5), ["TileCyclic.stride", "0.5"]),
        (dict(type="Resample", length=48.0), ["Resample.length", "48.0"]),
    ],
)
def test_impossible_step_is_refused_by_name(step, words):
    with pytest.raises(ConfigError) as caught:
        build_pipeline(dict(order=("a",), a=step))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("steps", [[dict(type="PackGait")], dict(pack=dict(type="PackGait")), dict(order=("pack",))])
def test_steps_without_names_or_order_are_refused(steps):
    with pytest.raises(ConfigError, match="pipeline"):
        build_pipeline(steps)


def _set(positions: np.ndarray, joints: tuple[int, ...], value: np.ndarray) -> np.ndarray:
    changed = positions.copy()
    changed[:, joints] = value
    return changed


@pytest.mark.parametrize(
    ("transform", "spoil", "words"),
    [
        (TileCyclic(), lambda p: p[:1], ["TileCyclic", "1 frame"]),
        (TileCyclic(), lambda p: p[:0], ["TileCyclic", "0 frame"]),
        (Resample(), lambda p: p[:1], ["Resample", "1 frame"]),
        (Resample(), lambda p: p[:0], ["Resample", "0 frame"]),
        (BodyScale(), lambda p: _set(p, (2,), p[:, [0]]), ["BodyScale", "centre and neck coincide"]),
        (BodyScale(), np.zeros_like, ["BodyScale"]),
        (AlignHeading(), lambda p: _set(p, (10,), p[:, [13]]), ["AlignHeading", "hips coincide"]),
        (AlignHeading(), lambda p: _set(p, (10,), p[:, [13]] + (0, 0.3, 0)), ["AlignHeading", "from above"]),
        (AlignHeading(), np.zeros_like, ["AlignHeading"]),
        (PackGait(), lambda p: p[:, :15], ["PackGait", "(31, 15, 3)", "egait16"]),
        (PackGait(), lambda p: p[..., :2], ["PackGait", "(31, 16, 2)"]),
        (PackGait(), lambda p: p * 1e300, ["PackGait", "float32", "of 1488 values"]),
        (PackGait(), lambda p: p * np.nan, ["PackGait", "1488 of 1488"]),
    ],
)
def test_sequence_that_a_transform_cannot_handle_is_refused_by_id(transform, spoil, words):
    results = sample(EGAIT16)
    with pytest.raises(DataError) as caught:
        transform.transform(results | {"positions": spoil(results["positions"])})
    assert all(word in str(caught.value) for word in ["'gait_7'", "Remedy", *words]), caught.value


def test_walk_that_turns_half_way_round_has_no_heading():
    results = sample(EGAIT16, 20)
    there = results["positions"][:10]
    both_ways = np.concatenate([there, yaw(there, np.pi, EGAIT16)])
    with pytest.raises(DataError, match="turns full circle"):
        AlignHeading().transform(results | {"positions": both_ways})

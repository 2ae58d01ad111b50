"""Strong augmentation T' and the views: properties, and equality with NumPy written out here."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from scipy import stats
from torch import Tensor

from mmgaitemo.augmentation import ViewTransform, chain
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import EGAIT16, Skeleton, get_skeleton

LAYOUTS = ["egait16", "kinect25", "coco17"]
JITTER, MASK = {"type": "UpperBodyJitter"}, {"type": "RandomSpatiotemporalMask"}
CROP, SHEAR = {"type": "TemporalCrop"}, {"type": "Shear"}


def build(name: str, **arguments: object) -> ViewTransform:
    return TRANSFORMS.build({"type": name, **arguments})


def walkers(n: int = 64, length: int = 24, skeleton: Skeleton = EGAIT16, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 3, length, skeleton.num_joints)) + 0.5).float()


def draw(transform: ViewTransform, x: Tensor, seed: int = 0, skeleton: Skeleton = EGAIT16) -> np.ndarray:
    return transform(x, skeleton, torch.Generator().manual_seed(seed)).numpy()


def recipe(**steps: object) -> dict:
    return {"order": tuple(steps), **steps}


def others(skeleton: Skeleton) -> list[int]:
    return [joint for joint in range(skeleton.num_joints) if joint not in skeleton.upper_limbs]


# ---- upper body jitter


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("arguments", [{}, {"joints": 3}, {"law": "noise"}, {"law": "noise", "joints": 1}])
def test_jitter_leaves_legs_trunk_and_head_untouched(arguments: dict, name: str) -> None:
    skeleton = get_skeleton(name)
    x = walkers(32, 10, skeleton)
    y = draw(build("UpperBodyJitter", **arguments), x, skeleton=skeleton)
    still = others(skeleton)
    assert {joint for part in ("trunk", "left_leg", "right_leg") for joint in skeleton.parts[part]} == set(still)
    np.testing.assert_array_equal(y[..., still], x.numpy()[..., still])
    for a, b in (bone for bone in skeleton.edges if set(bone) <= set(still)):
        np.testing.assert_array_equal(y[..., a] - y[..., b], x.numpy()[..., a] - x.numpy()[..., b])
    moved = (y != x.numpy()).any((1, 2))
    assert (moved.sum(1) == arguments.get("joints", len(skeleton.upper_limbs))).all()


@pytest.mark.parametrize("scale", [None, 0.3])
def test_matrix_jitter_is_one_uniform_matrix_for_all_frames_and_arm_joints(scale: float | None) -> None:
    x = walkers(400, 6)
    y = draw(build("UpperBodyJitter", scale=scale), x)
    limbs, matrices = list(EGAIT16.upper_limbs), []
    for before, after in zip(x.numpy()[..., limbs].astype(float), y[..., limbs].astype(float), strict=True):
        points, images = before.reshape(3, -1).T, after.reshape(3, -1).T
        matrix = np.linalg.lstsq(points, images, rcond=None)[0].T
        np.testing.assert_allclose(points @ matrix.T, images, atol=1e-4)
        matrices.append(matrix.ravel())
    entries, bound = np.array(matrices), scale or 1.0
    assert np.abs(entries).max() <= bound + 1e-4
    assert all(stats.kstest(entry, "uniform", (-bound, 2 * bound)).pvalue > 1e-3 for entry in entries.T)
    assert np.abs(np.corrcoef(entries.T) - np.eye(9)).max() < 0.25


@pytest.mark.parametrize("scale", [None, 0.5])
def test_noise_jitter_is_one_normal_offset_per_joint_coherent_in_time(scale: float | None) -> None:
    x = walkers(300, 6)
    offset = (draw(build("UpperBodyJitter", law="noise", scale=scale), x) - x.numpy())[..., list(EGAIT16.upper_limbs)]
    np.testing.assert_allclose(offset, offset[:, :, :1].repeat(6, axis=2), atol=1e-5)
    each = offset[:, :, 0].reshape(300, 18)
    assert stats.kstest(each.ravel(), "norm", (0, scale or 0.1)).pvalue > 1e-3
    assert np.abs(np.corrcoef(each.T) - np.eye(18)).max() < 0.3


def test_jittered_subset_is_drawn_per_sample_all_subsets_equally_often() -> None:
    x = walkers(3000, 1)
    moved = (draw(build("UpperBodyJitter", joints=2), x) != x.numpy()).any((1, 2))
    counts = [int(moved[:, pair].all(1).sum()) for pair in combinations(EGAIT16.upper_limbs, 2)]
    assert sum(counts) == 3000 and stats.chisquare(counts).pvalue > 1e-3


# ---- random spatiotemporal mask


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("frames", ["zero", "delete"])
def test_mask_zeroes_one_or_two_whole_parts_all_choices_equally_often(frames: str, name: str) -> None:
    skeleton = get_skeleton(name)
    x = walkers(3000, 8, skeleton)
    y = draw(build("RandomSpatiotemporalMask", frames=frames), x, skeleton=skeleton)
    zero = {part: (y[..., list(joints)] == 0).all((1, 2, 3)) for part, joints in skeleton.parts.items()}
    parts = list(zero)
    number = sum(zero.values())
    assert stats.chisquare([(number == 1).sum(), (number == 2).sum()]).pvalue > 1e-3 and ((number - 1) < 2).all()
    singles = [int((zero[part] & (number == 1)).sum()) for part in parts]
    doubles = [int((zero[a] & zero[b]).sum()) for a, b in combinations(parts, 2)]
    assert stats.chisquare(singles).pvalue > 1e-3 and stats.chisquare(doubles).pvalue > 1e-3


def frames_and_joints_of(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zero frames (N, T) and zero joints (N, V) of masked walkers."""
    return (y == 0).all((1, 3)), (y == 0).all((1, 2))


@pytest.mark.parametrize(("length", "low", "high"), [(48, 5, 12), (70, 7, 17), (30, 3, 7), (4, 1, 1), (3, 0, 0)])
def test_mask_removes_a_uniform_number_of_frames_and_nothing_else(length: int, low: int, high: int) -> None:
    x = walkers(2000, length)
    y = draw(build("RandomSpatiotemporalMask"), x)
    frames, joints = frames_and_joints_of(y)
    np.testing.assert_array_equal(y, np.where(frames[:, None, :, None] | joints[:, None, None, :], 0, x.numpy()))
    counts = np.bincount(frames.sum(1), minlength=high + 1)
    assert not counts[:low].any() and len(counts) == high + 1
    assert low == high or stats.chisquare(counts[low:]).pvalue > 1e-3


def test_share_of_frames_is_not_at_the_mercy_of_floating_point() -> None:
    mask = build("RandomSpatiotemporalMask", frame_ratio=(0.07, 0.29))  # 0.07 * 100 > 7 and 0.29 * 100 < 29
    number = frames_and_joints_of(draw(mask, walkers(2000, 100)))[0].sum(1)
    assert (number.min(), number.max()) == (7, 29)


def test_removed_frames_are_anywhere_and_not_contiguous() -> None:
    frames, _ = frames_and_joints_of(draw(build("RandomSpatiotemporalMask"), walkers(2000, 48)))
    assert stats.chisquare(frames.sum(0)).pvalue > 1e-3
    runs = (np.diff(frames.astype(int), axis=1, prepend=0) == 1).sum(1)
    assert (runs > 1).mean() > 0.99  # five or more frames of 48 are almost never one block
    assert len(np.unique(frames, axis=0)) > 1990  # each sample has its own


def test_deleted_frames_are_closed_up_and_resampled_linearly() -> None:
    # Frame t holds the value t, so that the gaps can be read off where the resampling is undone.
    length, transform = (
        12,
        build("RandomSpatiotemporalMask", num_parts=(0, 0), frame_ratio=(0.25, 0.25), frames="delete"),
    )
    squares = np.arange(length, dtype=np.float32) ** 2
    x = torch.from_numpy(np.broadcast_to(squares[None, None, :, None], (300, 3, length, 16)).copy())
    y = draw(transform, x)
    assert (y == y[:, :1, :, :1]).all()
    expected = {}
    for deleted in combinations(range(length), 3):
        kept = np.delete(squares, deleted)
        expected[deleted] = np.interp(np.linspace(0, len(kept) - 1, length), np.arange(len(kept)), kept)
    table = np.array(list(expected.values()))
    distance = np.abs(y[:, None, 0, :, 0] - table).max(2)
    assert distance.min(1).max() < 1e-3
    assert len(np.unique(distance.argmin(1))) > 100  # of 220


def test_masks_switched_off_change_nothing() -> None:
    x = walkers()
    for frames in ("zero", "delete"):
        off = build("RandomSpatiotemporalMask", num_parts=(0, 0), frame_ratio=(0, 0), frames=frames)
        np.testing.assert_array_equal(draw(off, x), x.numpy())


# ---- SSA


def fired(transform: ViewTransform, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Which samples were jittered and which had frames (not parts: arms must stay visible) masked, (N,) bool each."""
    x = walkers(n, 10)
    y = draw(transform, x, seed=5)
    visible = ~(y == 0).all((1, 3), keepdims=True)
    return ((y != x.numpy()) & visible).any((1, 2, 3)), ~visible.all((1, 2, 3))


FRAMES_ONLY = {**MASK, "num_parts": (0, 0)}


@pytest.mark.parametrize(
    ("selection", "both", "jitter_only", "mask_only"),
    [("any", 0.25, 0.375, 0.375), ("both", 1, 0, 0), ("one", 0, 0.5, 0.5)],
)
def test_ssa_fires_with_the_documented_probabilities(
    selection: str, both: float, jitter_only: float, mask_only: float
) -> None:
    n = 4000
    jitter, mask = fired(build("SSA", jitter=JITTER, mask=FRAMES_ONLY, selection=selection), n)
    found = {"both": jitter & mask, "jitter": jitter & ~mask, "mask": mask & ~jitter, "none": ~jitter & ~mask}
    expected = {"both": both, "jitter": jitter_only, "mask": mask_only, "none": 0}
    for outcome, p in expected.items():
        assert abs(found[outcome].mean() - p) <= 4 * math.sqrt(p * (1 - p) / n), outcome


@pytest.mark.parametrize("selection", ["any", "both", "one"])
def test_what_is_left_of_ssa_always_fires(selection: str) -> None:
    jitter, mask = fired(build("SSA", jitter=JITTER, mask=None, selection=selection), 200)
    assert jitter.all() and not mask.any()
    jitter, mask = fired(build("SSA", jitter=None, mask=FRAMES_ONLY, selection=selection), 200)
    assert mask.all() and not jitter.any()


def test_zeros_win_over_the_jitter() -> None:
    x = walkers(500, 20)
    noise = {**JITTER, "law": "noise", "scale": 1.0}  # would fill zeros, if it came last
    y = draw(build("SSA", jitter=noise, mask=MASK, selection="both"), x)
    frames, joints = frames_and_joints_of(y)
    assert (frames.sum(1) >= 2).all() and joints.any(1).all()
    arms = list(EGAIT16.upper_limbs)
    assert joints[:, arms].any()  # an arm that was moved and masked is zero
    legs = others(EGAIT16)
    hidden = frames[:, None, :, None] | joints[:, None, None, :]
    np.testing.assert_array_equal(y[..., legs], np.where(hidden, 0, x.numpy())[..., legs])
    assert (y[..., arms] != x.numpy()[..., arms]).all()


# ---- views


def test_chain_follows_the_stated_order_not_that_of_the_keys_and_skips_none() -> None:
    built = chain(
        ConfigDict(
            order=("flip", "shear", "crop", "ready"),
            **dict(ready=build("Shear"), crop=CROP, shear=None, flip={"type": "TimeFlip"}),
        )
    )
    assert [type(transform).__name__ for transform in built] == ["TimeFlip", "TemporalCrop", "Shear"]
    x = walkers()
    y = draw(build("SingleView", general=recipe(jitter={**JITTER, "law": "noise"}, mask=MASK)), x)
    assert frames_and_joints_of(y)[1].any(1).all()  # the mask came last: its zeros are there


def test_contrastive_views_are_independent_draws() -> None:
    x = walkers()
    before = x.clone()
    views = build("ContrastiveViews", general=recipe(crop=CROP, shear=SHEAR), strong=recipe(mask=MASK))
    made = views(x, EGAIT16, torch.Generator().manual_seed(0))
    assert list(made) == ["key", "query", "strong"] and torch.equal(x, before)
    frames, joints = frames_and_joints_of(made["strong"].numpy())
    hidden = torch.from_numpy(frames[:, None, :, None] | joints[:, None, None, :])
    assert frames.any() and joints.any(1).all()
    for first, second in combinations(made.values(), 2):
        assert ((first != second) & ~hidden).any(3).any(2).any(1).all()


def test_strong_view_leaves_key_and_query_as_they_are_without_it() -> None:
    general = recipe(crop=CROP, shear=SHEAR)
    with_strong, without = (build("ContrastiveViews", general=general, strong=s) for s in (recipe(jitter=JITTER), None))
    first, second = (views(walkers(), EGAIT16, torch.Generator().manual_seed(3)) for views in (with_strong, without))
    assert list(second) == ["key", "query"]
    assert all(torch.equal(first[name], second[name]) for name in second)


@pytest.mark.parametrize("includes", [True, False])
def test_strong_view_contains_the_general_draw_unless_switched_off(includes: bool) -> None:
    x = walkers()
    views = build(
        "ContrastiveViews", general=recipe(shear=SHEAR), strong=recipe(j=JITTER), strong_includes_general=includes
    )
    strong = views(x, EGAIT16, torch.Generator().manual_seed(0))["strong"]
    assert torch.equal(strong[..., others(EGAIT16)], x[..., others(EGAIT16)]) is not includes


def test_same_generator_state_gives_the_same_single_view() -> None:
    view, x = build("SingleView", general=recipe(crop=CROP, shear=SHEAR)), walkers()
    np.testing.assert_array_equal(draw(view, x, 1), draw(view, x, 1))
    assert not np.array_equal(draw(view, x, 1), draw(view, x, 2))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("UpperBodyJitter", {"law": "cauchy"}, "UpperBodyJitter.law: .*'cauchy'.*matrix"),
        ("UpperBodyJitter", {"scale": -1}, "UpperBodyJitter.scale"),
        ("UpperBodyJitter", {"joints": 0}, "UpperBodyJitter.joints"),
        ("RandomSpatiotemporalMask", {"num_parts": (1, 5)}, "RandomSpatiotemporalMask.num_parts"),
        ("RandomSpatiotemporalMask", {"num_parts": (2, 1)}, "RandomSpatiotemporalMask.num_parts"),
        ("RandomSpatiotemporalMask", {"num_parts": (0.5, 1)}, "RandomSpatiotemporalMask.num_parts"),
        ("RandomSpatiotemporalMask", {"frame_ratio": (0.3, 0.1)}, "RandomSpatiotemporalMask.frame_ratio"),
        ("RandomSpatiotemporalMask", {"frame_ratio": (0.1, 1.0)}, "RandomSpatiotemporalMask.frame_ratio"),
        ("RandomSpatiotemporalMask", {"frames": "drop"}, "RandomSpatiotemporalMask.frames"),
        ("SSA", {"jitter": None, "mask": None}, "SSA: jitter and mask are both None"),
        ("SSA", {"jitter": JITTER, "mask": MASK, "selection": "all"}, "SSA.selection: .*'all'"),
        ("SSA", {"jitter": {**JITTER, "prob": 0.5}, "mask": None}, "SSA.jitter.prob"),
        ("SSA", {"jitter": {"type": "Nope"}, "mask": None}, "SSA.jitter: cannot be built.*Nope"),
        ("SSA", {"jitter": {**JITTER, "std": 1}, "mask": None}, "SSA.jitter: cannot be built.*'std'"),
        ("SingleView", {"general": recipe(shear={"type": "Shear", "amplitude": -1})}, "Shear.amplitude"),
        ("SingleView", {"general": recipe(shear={})}, "SingleView.general.shear: cannot be built"),
        (
            "SingleView",
            {"general": recipe(x={"type": "SingleView", "general": recipe()})},
            "SingleView.general.x: is no view",
        ),
        ("SingleView", {"general": [SHEAR]}, "SingleView.general: needs named steps and their order"),
        ("ContrastiveViews", {"general": SHEAR}, "ContrastiveViews.general: needs named steps and their order"),
        (
            "ContrastiveViews",
            {"general": recipe(), "strong": recipe(j="Shear")},
            "ContrastiveViews.strong.j: is no view",
        ),
    ],
)
def test_wrong_arguments_name_their_key(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{message}"):
        build(name, **arguments)


def test_more_jittered_joints_than_upper_limbs_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"UpperBodyJitter.joints: .*'egait16' has 6 .*Found: 7"):
        draw(build("UpperBodyJitter", joints=7), walkers())

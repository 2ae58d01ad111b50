"""Parts of the gait-fit views: random phase, yaw, mirror, jitter near the identity, chances of arms and mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from mmgaitemo.augmentation import ContrastiveViews, ViewTransform, chain
from mmgaitemo.augmentation.views import apply
from mmgaitemo.datasets.pipelines import TileCyclic
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import EGAIT16, Skeleton, get_skeleton

LAYOUTS = ["egait16", "kinect25", "coco17"]


def build(name: str, **arguments: object) -> ViewTransform:
    return TRANSFORMS.build({"type": name, **arguments})


def walkers(n: int, length: int, skeleton: Skeleton = EGAIT16) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, 3, length, skeleton.num_joints)) + 0.5).float()


def draw(transform: ViewTransform, x: Tensor, skeleton: Skeleton = EGAIT16) -> np.ndarray:
    return transform(x, skeleton, torch.Generator().manual_seed(3)).numpy()


# ---- random window


def test_window_is_a_slice_each_start_equally_often() -> None:
    x = walkers(2000, 12)
    before = x.clone()
    y = draw(build("RandomWindow", length=5), x)
    starts = []
    for sample, window in zip(x.numpy(), y, strict=True):
        (fits,) = [k for k in range(8) if np.array_equal(sample[:, k : k + 5], window)]
        starts.append(fits)
    assert y.shape == (2000, 3, 5, 16) and torch.equal(x, before)
    assert stats.chisquare(np.bincount(starts, minlength=8)).pvalue > 1e-3


@pytest.mark.parametrize("frames", [23, 31, 48])
def test_window_of_a_tiled_cycle_is_a_phase_of_it_without_a_seam(frames: int) -> None:
    cycle = np.random.default_rng(1).normal(size=(frames, 16, 3))
    tiled = TileCyclic(96).transform({"positions": cycle, "id": "w"})["positions"]
    x = torch.from_numpy(tiled).permute(2, 0, 1)[None].expand(200, -1, -1, -1).float().contiguous()
    phases = set()
    for window in draw(build("RandomWindow", length=48), x):
        wanted = [np.roll(cycle, -k, axis=0)[np.arange(48) % frames] for k in range(frames)]
        (phase,) = [k for k, w in enumerate(wanted) if np.allclose(w.transpose(2, 0, 1), window, atol=1e-6)]
        phases.add(phase)
    assert len(phases) > 0.9 * frames


def test_window_as_long_as_the_walk_is_the_walk_and_a_longer_one_is_refused() -> None:
    x = walkers(4, 9)
    np.testing.assert_array_equal(draw(build("RandomWindow", length=9), x), x.numpy())
    with pytest.raises(ConfigError, match=r"RandomWindow.length.*10 of 9 frames.*pipeline.time.length"):
        draw(build("RandomWindow", length=10), x)


@pytest.mark.parametrize("length", [1, 0, 4.5, "48"])
def test_impossible_windows_are_refused(length: object) -> None:
    with pytest.raises(ConfigError, match=r"RandomWindow.length"):
        build("RandomWindow", length=length)


def test_every_view_has_the_length_of_the_window_and_a_phase_of_its_own() -> None:
    general = {
        "order": ("window", "yaw"),
        "window": {"type": "RandomWindow", "length": 8},
        "yaw": {"type": "RandomYaw"},
    }
    strong = {"order": ("jitter",), "jitter": {"type": "UpperBodyJitter", "law": "near_identity"}}
    views = ContrastiveViews(general, strong)(walkers(4, 40), EGAIT16, torch.Generator().manual_seed(0))
    assert [view.shape for view in views.values()] == [(4, 3, 8, 16)] * 3
    assert not torch.allclose(views["key"], views["query"])


# ---- yaw and mirror


@pytest.mark.parametrize("up", [1, 2])
@pytest.mark.parametrize("name", LAYOUTS)
def test_yaw_turns_about_the_vertical_alone_by_an_angle_uniform_within_its_bounds(name: str, up: int) -> None:
    skeleton = replace(get_skeleton(name), up=up)
    x = walkers(600, 4, skeleton)
    y = draw(build("RandomYaw", max_angle=8.0), x, skeleton)
    np.testing.assert_array_equal(y[:, skeleton.up], x.numpy()[:, skeleton.up])
    ahead, aside = ((skeleton.up + 1) % 3, (skeleton.up + 2) % 3)  # right-handed: this one turns to that one
    before, after = (a[:, ahead] + 1j * a[:, aside] for a in (x.numpy().astype(float), y.astype(float)))
    turn = (after * before.conj()).sum((1, 2))  # a rotation of the plane is a product with one number of size 1
    turn /= abs(turn)
    np.testing.assert_allclose(after, before * turn[:, None, None], atol=1e-5)
    angles = np.degrees(np.angle(turn))
    assert stats.kstest(angles, "uniform", (-8, 16)).pvalue > 1e-3


def test_yaw_has_a_probability_and_bounds() -> None:
    x = walkers(2000, 2)
    moved = (draw(build("RandomYaw", prob=0.3), x) != x.numpy()).any((1, 2, 3)).mean()
    assert abs(moved - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    with pytest.raises(ConfigError, match=r"RandomYaw.max_angle"):
        build("RandomYaw", max_angle=200)


@pytest.mark.parametrize("name", LAYOUTS)
def test_mirror_is_the_mirror_image_with_left_and_right_relabelled(name: str) -> None:
    """By the joints' names, not by the layout's pairs: the left hand is where the right hand's image stands."""
    skeleton = get_skeleton(name)
    x = walkers(5, 3, skeleton)
    y = draw(build("MirrorFlip", prob=1.0), x, skeleton)
    exchanged = {"left": "right", "right": "left"}
    for joint, label in enumerate(skeleton.joints):
        other = "_".join(exchanged.get(word, word) for word in label.split("_"))
        image = x.numpy()[..., skeleton.joints.index(other)].copy()
        image[:, skeleton.lateral] *= -1
        np.testing.assert_array_equal(y[..., joint], image)


# ---- the strong view of the gait-fit recipe


def test_jitter_near_the_identity_is_one_uniform_matrix_about_it() -> None:
    x = walkers(400, 6)
    y = draw(build("UpperBodyJitter", law="near_identity"), x)
    limbs, entries = list(EGAIT16.upper_limbs), []
    still = [joint for joint in range(16) if joint not in limbs]
    np.testing.assert_array_equal(y[..., still], x.numpy()[..., still])
    for before, after in zip(x.numpy()[..., limbs].astype(float), y[..., limbs].astype(float), strict=True):
        points, images = before.reshape(3, -1).T, after.reshape(3, -1).T
        matrix = np.linalg.lstsq(points, images, rcond=None)[0].T
        np.testing.assert_allclose(points @ matrix.T, images, atol=1e-4)
        entries.append((matrix - np.eye(3)).ravel())
    assert np.abs(entries).max() <= 0.3 + 1e-4
    assert all(stats.kstest(entry, "uniform", (-0.3, 0.6)).pvalue > 1e-3 for entry in np.array(entries).T)
    np.testing.assert_array_equal(draw(build("UpperBodyJitter", law="near_identity", scale=0.0), x), x.numpy())


def test_arms_and_mask_fire_each_for_itself_half_of_the_time() -> None:
    """What no ``SSA.selection`` says, two steps of a recipe with a ``prob`` each do: a view may stay as it is."""
    steps = {
        "jitter": {"type": "UpperBodyJitter", "law": "near_identity", "prob": 0.5},
        "mask": {"type": "RandomSpatiotemporalMask", "frame_ratio": (3 / 32, 8 / 32), "prob": 0.5},
    }
    x = walkers(3000, 32)
    y = apply(chain({"order": tuple(steps), **steps}), x, EGAIT16, torch.Generator().manual_seed(5)).numpy()
    parts = np.stack([(y[..., list(joints)] == 0).all((1, 2, 3)) for joints in EGAIT16.parts.values()], 1).sum(1)
    frames = (y == 0).all((1, 3)).sum(1)
    masked, arms = parts > 0, list(EGAIT16.upper_limbs)
    assert ((frames > 0) == masked).all()
    assert set(parts[masked]) == {1, 2} and set(frames[masked]) == set(range(3, 9))
    moved = ((y != x.numpy()) & (y != 0))[..., arms].any((1, 2, 3))
    seen = (y[..., arms] != 0).any((1, 2, 3))  # where both arms are masked nothing tells whether they had moved
    share = np.array(
        [
            [(moved & masked & seen).sum(), (~moved & masked & seen).sum()],
            [(moved & ~masked).sum(), (~moved & ~masked).sum()],
        ]
    )
    assert stats.chi2_contingency(share).pvalue > 1e-3
    assert stats.binomtest(int(masked.sum()), 3000).pvalue > 1e-3
    assert stats.binomtest(int(moved[seen].sum()), int(seen.sum())).pvalue > 1e-3

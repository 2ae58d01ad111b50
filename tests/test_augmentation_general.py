"""General augmentation T and its alternatives: properties, and equality with NumPy written out here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from mmgaitemo.augmentation import ViewTransform
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import PIPELINES, TRANSFORMS
from mmgaitemo.skeleton import EGAIT16, Skeleton, get_skeleton

GENERAL = {
    "TemporalCrop": {},
    "Shear": {},
    "RandomRotate": {},
    "MirrorFlip": {"prob": 1.0},
    "GaussianNoise": {"prob": 1.0},
    "GaussianBlur": {"prob": 1.0},
    "AxisMask": {"prob": 1.0},
    "TimeFlip": {"prob": 1.0},
}
STRONG = {
    "UpperBodyJitter": {},
    "RandomSpatiotemporalMask": {},
    "SSA": {"jitter": {"type": "UpperBodyJitter"}, "mask": {"type": "RandomSpatiotemporalMask"}},
}
EVERY = {**GENERAL, **STRONG}
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def build(name: str, **arguments: object) -> ViewTransform:
    return TRANSFORMS.build({"type": name, **arguments})


def walkers(n: int = 64, length: int = 24, skeleton: Skeleton = EGAIT16, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 3, length, skeleton.num_joints)) + 0.5).float()


def draw(transform: ViewTransform, x: Tensor, seed: int = 0, skeleton: Skeleton = EGAIT16) -> np.ndarray:
    return transform(x, skeleton, torch.Generator(x.device).manual_seed(seed)).cpu().numpy()


def solved_matrices(x: Tensor, y: np.ndarray) -> np.ndarray:
    """The A of y = A x, one per sample, by least squares; fails where no one matrix explains all joints and frames."""
    matrices = []
    for before, after in zip(x.numpy().astype(float), y.astype(float), strict=True):
        points, images = before.reshape(3, -1).T, after.reshape(3, -1).T
        solution = np.linalg.lstsq(points, images, rcond=None)[0].T
        np.testing.assert_allclose(points @ solution.T, images, atol=1e-4)
        matrices.append(solution)
    return np.stack(matrices)


def is_uniform(values: np.ndarray, low: float, high: float) -> bool:
    return bool(stats.kstest(values.ravel(), "uniform", (low, high - low)).pvalue > 1e-3)


# ---- the contract of every transform


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("skeleton", ["egait16", "kinect25", "coco17"])
@pytest.mark.parametrize(("n", "length"), [(5, 48), (1, 30), (3, 2), (2, 1)])
@pytest.mark.parametrize("name", EVERY)
def test_shape_dtype_device_and_input_stay(name: str, n: int, length: int, skeleton: str, device: str) -> None:
    layout = get_skeleton(skeleton)
    x = walkers(n, length, layout).to(device)
    before = x.clone()
    y = build(name, **EVERY[name])(x, layout, torch.Generator(device).manual_seed(1))
    assert (y.shape, y.dtype, y.device) == (x.shape, torch.float32, x.device)
    assert torch.isfinite(y).all()
    assert torch.equal(x, before) and y.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("name", EVERY)
def test_draws_come_from_the_generator_alone(name: str) -> None:
    transform, x = build(name, **EVERY[name]), walkers()
    state = torch.get_rng_state()
    first = draw(transform, x, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(7)
    np.testing.assert_array_equal(first, draw(transform, x, seed=1))
    if name not in ("MirrorFlip", "TimeFlip"):  # random only through their probability
        assert not np.array_equal(first, draw(transform, x, seed=2))


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("MirrorFlip", "TimeFlip")])
def test_each_sample_draws_for_itself(name: str) -> None:
    same = walkers(1).expand(64, -1, -1, -1).contiguous()
    assert len(np.unique(draw(build(name, **EVERY[name]), same).reshape(64, -1), axis=0)) > 2


@pytest.mark.parametrize("name", [name for name in EVERY if name != "SSA"])
@pytest.mark.parametrize("prob", [0.0, 0.3])
def test_prob_is_the_share_of_transformed_samples(name: str, prob: float) -> None:
    x = walkers(2000, 6)
    arguments = {"padding_ratio": 1} if name == "TemporalCrop" else {}
    y = draw(build(name, prob=prob, **arguments), x)
    changed = (y != x.numpy()).any((1, 2, 3)).mean()
    expected = prob * (12 / 13 if name == "TemporalCrop" else 1)  # one start in 2L + 1 = 13 leaves the window in place
    assert abs(changed - expected) <= 4 * np.sqrt(prob * (1 - prob) / 2000)


@pytest.mark.parametrize("name", GENERAL)
def test_float32_is_kept_inside_autocast(name: str) -> None:
    transform, x = build(name, **GENERAL[name]), walkers()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = draw(transform, x)
    np.testing.assert_array_equal(inside, draw(transform, x))


def test_a_batch_with_other_joints_than_the_skeleton_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Shear: needs batches \(N, 3, T, 25\) .*'kinect25'.*\(64, 3, 24, 16\)"):
        draw(build("Shear"), walkers(), skeleton=get_skeleton("kinect25"))


@pytest.mark.parametrize(
    ("name", "arguments", "key"),
    [
        ("Shear", {"amplitude": -0.1}, "Shear.amplitude"),
        ("Shear", {"amplitude": float("nan")}, "Shear.amplitude"),
        ("Shear", {"prob": 1.5}, "Shear.prob"),
        ("TemporalCrop", {"padding_ratio": 0}, "TemporalCrop.padding_ratio"),
        ("TemporalCrop", {"padding_ratio": 6.5}, "TemporalCrop.padding_ratio"),
        ("RandomRotate", {"main_angle": 200}, "RandomRotate.main_angle"),
        ("RandomRotate", {"other_angle": -1}, "RandomRotate.other_angle"),
        ("GaussianNoise", {"std": -1}, "GaussianNoise.std"),
        ("GaussianBlur", {"kernel": 14}, "GaussianBlur.kernel"),
        ("GaussianBlur", {"kernel": 0}, "GaussianBlur.kernel"),
        ("GaussianBlur", {"sigma": (0.0, 2.0)}, "GaussianBlur.sigma"),
        ("GaussianBlur", {"sigma": (2.0, 1.0)}, "GaussianBlur.sigma"),
        ("GaussianBlur", {"sigma": (1.0,)}, "GaussianBlur.sigma"),
        ("MirrorFlip", {"prob": -0.5}, "MirrorFlip.prob"),
        ("AxisMask", {"prob": float("nan")}, "AxisMask.prob"),
        ("TimeFlip", {"prob": 2}, "TimeFlip.prob"),
    ],
)
def test_wrong_arguments_name_their_key(name: str, arguments: dict, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{key}: .*Remedy: "):
        build(name, **arguments)


def test_transforms_are_found_in_both_registries() -> None:
    assert all(PIPELINES.get(name) is TRANSFORMS.get(name) is not None for name in EVERY)


# ---- crop and shear: the default T


@pytest.mark.parametrize(("length", "ratio"), [(48, 6), (25, 6), (7, 3), (5, 2)])
def test_crop_is_one_of_the_mirror_padded_windows_all_equally_often(length: int, ratio: int) -> None:
    n, pad = 6000, length // ratio
    x = walkers(1, length)
    same = x.expand(n, -1, -1, -1).contiguous()
    s = x.numpy()[0]
    padded = np.concatenate([s[:, :pad][:, ::-1], s, s[:, length - pad :][:, ::-1]], axis=1)
    windows = [padded[:, k : k + length] for k in range(2 * pad + 1)]
    y = draw(build("TemporalCrop", padding_ratio=ratio), same)
    counts = [int((y == window).all((1, 2, 3)).sum()) for window in windows]
    assert sum(counts) == n  # windows differ, so each sample is exactly one of them
    assert stats.chisquare(counts).pvalue > 1e-3


def test_crop_leaves_sequences_shorter_than_the_ratio_alone() -> None:
    x = walkers(8, 5)
    np.testing.assert_array_equal(draw(build("TemporalCrop", padding_ratio=6), x), x.numpy())


@pytest.mark.parametrize("amplitude", [0.5, 0.15])
def test_shear_is_a_matrix_of_unit_diagonal_and_uniform_rest(amplitude: float) -> None:
    x = walkers(400, 6)
    matrices = solved_matrices(x, draw(build("Shear", amplitude=amplitude), x))
    np.testing.assert_allclose(matrices[:, range(3), range(3)], 1, atol=1e-5)
    rest = matrices[:, ~np.eye(3, dtype=bool)]
    assert np.abs(rest).max() <= amplitude + 1e-5
    assert all(is_uniform(rest[:, entry], -amplitude, amplitude) for entry in range(6))
    assert np.abs(np.corrcoef(rest.T) - np.eye(6)).max() < 0.25  # entries are independent of each other


# ---- alternatives


def test_rotation_is_rigid_about_one_main_axis() -> None:
    x = walkers(600, 6)
    y = draw(build("RandomRotate", main_angle=30, other_angle=1), x)
    distance = lambda p: np.linalg.norm(p[..., :, None] - p[..., None, :], axis=1)  # noqa: E731
    np.testing.assert_allclose(distance(y), distance(x.numpy()), atol=1e-4)
    matrices = solved_matrices(x, y)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-4)
    # Of R = Rz Ry Rx the angles are read off again.
    angles = np.degrees(
        [
            np.arctan2(matrices[:, 2, 1], matrices[:, 2, 2]),
            -np.arcsin(matrices[:, 2, 0]),
            np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]),
        ]
    )
    assert np.abs(angles).max() <= 30.01
    clear = np.abs(angles).max(0) > 1.01  # else any axis may be the main one
    assert clear.mean() > 0.9
    assert (np.sort(np.abs(angles), axis=0)[:2] <= 1.01).all()
    main = np.abs(angles).argmax(0)[clear]
    assert stats.chisquare(np.bincount(main, minlength=3)).pvalue > 1e-3
    largest = np.take_along_axis(angles, np.abs(angles).argmax(0)[None], 0)[0][clear]
    assert (
        is_uniform(np.abs(largest), 1.01, 30) and stats.binomtest(int((largest > 0).sum()), len(largest)).pvalue > 1e-3
    )
    others = np.sort(np.abs(angles[:, clear]), axis=0)[:2]
    assert is_uniform(others, 0, 1)


def test_rotation_keeps_the_origin() -> None:
    assert not draw(build("RandomRotate"), torch.zeros(4, 3, 5, 16)).any()


@pytest.mark.parametrize("lateral", [0, 2])
@pytest.mark.parametrize("name", ["egait16", "kinect25", "coco17"])
def test_mirror_reflects_the_walker_and_twice_is_the_identity(name: str, lateral: int) -> None:
    skeleton, flip = replace(get_skeleton(name), lateral=lateral), build("MirrorFlip", prob=1.0)
    x = walkers(3, 8, skeleton)
    by_hand = x.numpy().copy()
    by_hand[:, lateral] *= -1
    for joint, label in enumerate(skeleton.joints):
        if label.startswith("left_"):
            other = skeleton.joints.index(label.replace("left_", "right_"))
            by_hand[..., [joint, other]] = by_hand[..., [other, joint]]
    y = draw(flip, x, skeleton=skeleton)
    np.testing.assert_array_equal(y, by_hand)
    np.testing.assert_array_equal(draw(flip, torch.from_numpy(y), skeleton=skeleton), x.numpy())


def test_noise_is_normal_and_independent() -> None:
    x = walkers(200, 24)
    noise = draw(build("GaussianNoise", std=0.2, prob=1.0), x) - x.numpy()
    assert stats.kstest(noise[:, :, ::3].ravel(), "norm", (0, 0.2)).pvalue > 1e-3
    flat = noise.reshape(200, -1)
    assert np.abs(np.corrcoef(flat[:40])[np.triu_indices(40, 1)]).max() < 0.15


def test_blur_leaves_a_constant_and_spreads_an_impulse_into_the_gaussian() -> None:
    blur = build("GaussianBlur", kernel=15, sigma=(0.1, 2.0), prob=1.0)
    constant = walkers(8, 1).expand(-1, -1, 40, -1).contiguous()
    np.testing.assert_allclose(draw(blur, constant), constant.numpy(), atol=1e-5)
    impulse = torch.zeros(400, 3, 41, 16)
    impulse[:, :, 20] = 1
    y = draw(blur, impulse).astype(float)
    assert (y == y[:, :1, :, :1]).all()  # one width for all joints and coordinates
    response = y[:, 0, :, 0]
    assert not response[:, :13].any() and not response[:, 28:].any()
    np.testing.assert_allclose(response.sum(1), 1, atol=1e-5)
    # Where the neighbour is not yet zero its ratio to the centre gives sigma, which gives all taps.
    wide = response[response[:, 21] > 1e-4]
    sigma = np.sqrt(-0.5 / np.log(wide[:, 21] / wide[:, 20]))
    kernel = np.exp(-(np.arange(-7, 8)[None] ** 2) / (2 * sigma[:, None] ** 2))
    np.testing.assert_allclose(wide[:, 13:28], kernel / kernel.sum(1, keepdims=True), atol=1e-5)
    assert sigma.max() <= 2.0 + 1e-3  # narrower ones are too close to an impulse to be read
    assert is_uniform(sigma[sigma > 0.4], 0.4, 2.0)


@pytest.mark.parametrize("length", [30, 9, 4, 2])
def test_blur_reflects_the_ends(length: int) -> None:
    x, sigma = walkers(2, length), 1.5
    kernel = np.exp(-(np.arange(-7, 8) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(x.numpy().astype(float), ((0, 0), (0, 0), (7, 7), (0, 0)), mode="reflect")
    expected = sum(kernel[tap] * padded[:, :, tap : tap + length] for tap in range(15))
    np.testing.assert_allclose(draw(build("GaussianBlur", sigma=(sigma, sigma), prob=1.0), x), expected, atol=1e-5)


def test_axis_mask_zeroes_exactly_one_axis_each_equally_often() -> None:
    x = walkers(900, 4)
    y = draw(build("AxisMask", prob=1.0), x)
    zero = (y == 0).all((2, 3))
    assert (zero.sum(1) == 1).all()
    np.testing.assert_array_equal(y, np.where(zero[:, :, None, None], 0, x.numpy()))
    assert stats.chisquare(zero.sum(0)).pvalue > 1e-3


def test_time_flip_plays_backwards() -> None:
    x = walkers(40)
    np.testing.assert_array_equal(draw(build("TimeFlip", prob=1.0), x), x.numpy()[:, :, ::-1])
    y = draw(build("TimeFlip"), x)
    kept, flipped = ((y == z).all((1, 2, 3)) for z in (x.numpy(), x.numpy()[:, :, ::-1]))
    assert (kept ^ flipped).all() and kept.any() and flipped.any()


@pytest.mark.parametrize("name", ["TemporalCrop", "Shear", "UpperBodyJitter"])
def test_consecutive_draws_of_one_generator_differ(name: str) -> None:
    x, generator, transform = walkers(), torch.Generator().manual_seed(0), build(name)
    assert not torch.equal(transform(x, EGAIT16, generator), transform(x, EGAIT16, generator))

"""The statistics branch against NumPy, under a mirror, and as a part of CFFN."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones import CFFN, JointStatistics
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton


def walks(count: int = 6, channels: int = 6, joints: int = 16, frames: int = 20) -> torch.Tensor:
    return torch.randn(count, channels, frames, joints, generator=torch.Generator().manual_seed(0)) * 0.3 + 0.2


def mirrored(x: torch.Tensor, skeleton: Skeleton) -> torch.Tensor:
    x = x[..., list(skeleton.mirror)].clone()
    x[:, skeleton.lateral :: 3] *= -1
    return x


@pytest.mark.parametrize("differences", [0, 1, 2])
def test_equals_numpys_moments_of_the_walk_and_its_differences(differences: int) -> None:
    branch = JointStatistics("egait16", in_channels=6, differences=differences)
    x = walks()
    moments, y = [x.numpy().mean(2)], x.numpy()
    for _ in range(differences + 1):
        moments.append(y.std(2))
        y = np.diff(y, axis=2)
    numbers = np.stack(moments, 1).reshape(6, -1)
    expected = (numbers - numbers.mean(0)) / numbers.std(0)
    assert branch.out_channels == expected.shape[1] == (2 + differences) * 6 * 16
    assert np.allclose(branch(x), expected, atol=2e-3)
    assert not list(branch.parameters())


@pytest.mark.parametrize("frames", [20, 21])
def test_harmonics_are_the_amplitudes_of_numpys_fourier_transform_whatever_the_phase(frames: int) -> None:
    branch = JointStatistics("egait16", in_channels=6, differences=0, harmonics=9)
    x = walks(frames=frames)
    amplitudes = 2 / frames * np.abs(np.fft.rfft(x.numpy(), axis=2)[:, :, 1:10])  # (N, C, 9, V)
    numbers = np.moveaxis(amplitudes, 2, 1).reshape(6, -1)
    expected = (numbers - numbers.mean(0)) / numbers.std(0)
    assert branch.out_channels == (2 + 9) * 6 * 16
    assert np.allclose(branch(x)[:, 2 * 6 * 16 :], expected, atol=2e-2)
    assert torch.allclose(branch.eval()(x), branch(x.roll(7, 2)), atol=1e-4)


@pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17], ids=lambda s: s.name)
def test_symmetric_numbers_are_those_of_walk_and_mirror_image_together(skeleton: Skeleton) -> None:
    plain = JointStatistics(skeleton.name, harmonics=2).eval()
    symmetric = JointStatistics(skeleton.name, harmonics=2, symmetric=True).eval()
    x = walks(channels=3, joints=skeleton.num_joints)
    other = mirrored(x, skeleton)
    assert torch.allclose(symmetric(x), symmetric(other), atol=1e-6)
    assert not torch.allclose(plain(x), plain(other), atol=1e-2)
    both = ((plain(x) + plain(other)) / 2).view(6, 6, 3, skeleton.num_joints)
    kept = [joint for joint in range(skeleton.num_joints) if joint <= skeleton.mirror[joint]]  # one of each pair
    assert torch.allclose(symmetric(x), both[..., kept].flatten(1), atol=1e-6)


def test_tells_joints_apart_that_a_pooling_network_cannot() -> None:
    """Exchanging the motion of two joints changes nothing after a mean over joints, and everything here."""
    x = torch.zeros(2, 3, 24, 16)
    x[0, 1, :, 6] = x[1, 1, :, 15] = torch.sin(torch.arange(24.0))
    first, second = JointStatistics("egait16").eval()(x)
    assert (first - second).abs().max() > 0.05


def test_a_still_joint_has_a_finite_gradient() -> None:
    x = torch.zeros(4, 3, 12, 16, requires_grad=True)
    JointStatistics("egait16", harmonics=3, symmetric=True)(x).square().sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_a_layer_may_follow() -> None:
    torch.manual_seed(0)
    branch = JointStatistics("egait16", hidden=7, differences=0).eval()
    out = branch(walks(channels=3))
    assert out.shape == (6, 7)
    assert (out >= 0).all()
    assert len(list(branch.parameters())) == 3


def test_stands_behind_the_fused_vector_of_cffn_as_it_is() -> None:
    graph = dict(type="STGCN", skeleton="egait16", channels=(8,), strides=(2,))
    statistics = dict(type="JointStatistics", skeleton="egait16", hidden=12)
    x = torch.randn(4, 3, 16, 16)
    fused = CFFN(graph, None, 5, statistics).eval()
    assert set(fused.feature_maps(x)) == {"graph", "statistics"}
    assert fused(x).shape == (4, fused.out_channels) == (4, 5 + 12)
    assert torch.equal(fused(x)[:, 5:], fused.branches["statistics"](x))
    assert CFFN(graph, None, None, statistics).out_channels == 8 + 12
    alone = CFFN(None, None, 5, statistics).eval()
    assert torch.equal(alone(x), alone.branches["statistics"](x))
    assert alone.out_channels == 12


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        *[({"hidden": value}, r"JointStatistics\.hidden") for value in (0, -1, 2.5, True, "256")],
        *[({"differences": value}, r"JointStatistics\.differences") for value in (-1, 1.5, None)],
        *[({"harmonics": value}, r"JointStatistics\.harmonics") for value in (-1, 1.5, None)],
        ({"in_channels": 4, "symmetric": True}, r"JointStatistics\.in_channels"),
    ],
)
def test_a_setting_out_of_range_is_refused(setting: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        JointStatistics("egait16", **setting)


def test_a_walk_too_short_to_difference_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"differences: a walk of 2 frames has no more than 1"):
        JointStatistics("egait16")(walks(channels=3, frames=2))
    with pytest.raises(ConfigError, match=r"harmonics: a walk of 20 frames has no more than 10"):
        JointStatistics("egait16", harmonics=11)(walks(channels=3))

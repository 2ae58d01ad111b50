"""Backbones against NumPy versions of their equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones import CFFN, STGCN, AdaptiveFrequencyFilter, AFFNet, spatial_partition
from mmgaitemo.models.backbones.base import CoordinateNorm
from mmgaitemo.models.backbones.stgcn import GraphConv, STGCNBlock
from mmgaitemo.models.modules import Readout
from mmgaitemo.skeleton import FIVE_PARTS, get_skeleton

LAYOUTS = ("egait16", "kinect25", "coco17")
GRAPH = dict(type="STGCN", skeleton="egait16", channels=(8, 16), strides=(1, 2))
IMAGE = dict(type="AFFNet", skeleton="egait16", stem=8, channels=(8, 16), strides=(1, 2, 1))


def partition_by_loops(layout: str) -> np.ndarray:
    """The spatial configuration of the ST-GCN paper, written out joint by joint."""
    skeleton = get_skeleton(layout)
    joints = skeleton.num_joints
    near = np.eye(joints)
    for child, parent in skeleton.edges:
        near[child, parent] = near[parent, child] = 1

    def depth(joint: int) -> int:
        return 0 if skeleton.parents[joint] < 0 else 1 + depth(skeleton.parents[joint])

    out = np.zeros((3, joints, joints))
    for i in range(joints):
        degree = near[:, i].sum()
        for j in range(joints):
            if near[j, i]:
                k = 0 if i == j else 1 if depth(j) >= depth(i) else 2
                out[k, j, i] = 1 / degree
    return out


@pytest.mark.parametrize("layout", LAYOUTS)
def test_partition_equals_the_definition_and_columns_sum_to_one(layout: str) -> None:
    mine = spatial_partition(get_skeleton(layout))
    np.testing.assert_allclose(mine, partition_by_loops(layout), atol=1e-7)
    np.testing.assert_allclose(mine.sum((0, 1)), 1, atol=1e-6)


def test_graph_convolution_equals_its_sum_over_subsets() -> None:
    adjacency = torch.from_numpy(spatial_partition(get_skeleton("egait16")))
    layer = GraphConv(3, 5, adjacency)
    with torch.no_grad():
        layer.edge_importance.uniform_(0.5, 1.5)
    x = torch.randn(2, 3, 4, 16)
    weight = layer.conv.weight.detach().numpy().reshape(3, 5, 3)
    bias = layer.conv.bias.detach().numpy().reshape(3, 5)
    edges = (adjacency * layer.edge_importance).detach().numpy()
    expected = np.zeros((2, 5, 4, 16))
    for k in range(3):
        features = np.einsum("oc,nctv->notv", weight[k], x.numpy()) + bias[k][None, :, None, None]
        expected += np.einsum("notv,vw->notw", features, edges[k])
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_block_is_gcn_bn_relu_tcn_bn_residual_relu() -> None:
    adjacency = torch.from_numpy(spatial_partition(get_skeleton("egait16")))
    block = STGCNBlock(4, 6, adjacency, kernel_size=9, stride=2, dropout=0.0, residual=True).eval()
    x = torch.randn(2, 4, 12, 16)
    conv, norm, _ = block.graph
    y = norm(conv(x)).clamp(min=0)
    padded = F.pad(y, (0, 0, 4, 4)).detach().numpy()
    weight, bias = block.time[0].weight.detach().numpy()[..., 0], block.time[0].bias.detach().numpy()
    expected = np.stack(
        [np.einsum("nckv,ock->nov", padded[:, :, 2 * t : 2 * t + 9], weight) + bias[None, :, None] for t in range(6)], 2
    )
    with torch.no_grad():
        expected = torch.relu(block.time[1](torch.from_numpy(expected).float()) + block.residual(x))
        torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-4)


def test_coordinate_norm_standardises_each_coordinate_of_each_joint() -> None:
    x = torch.randn(8, 3, 10, 16) * (torch.rand(3, 1, 16) * 4 + 0.5) + torch.randn(3, 1, 16)
    y = CoordinateNorm(3, 16)(x).detach()
    torch.testing.assert_close(y.mean((0, 2)), torch.zeros(3, 16), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var((0, 2), unbiased=False), torch.ones(3, 16), atol=1e-2, rtol=0)
    expected = (x - x.mean((0, 2), keepdim=True)) / (x.var((0, 2), unbiased=False, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(y, expected, atol=1e-4, rtol=1e-4)


def parameters_of_stgcn(channels: tuple[int, ...], strides: tuple[int, ...], joints: int = 16) -> int:
    """Counted by hand: input norm, then per block edges, graph conv, temporal conv, two norms, residual."""
    total, width = 2 * 3 * joints, 3
    for index, (wide, stride) in enumerate(zip(channels, strides, strict=True)):
        total += 3 * joints**2 + 3 * wide * (width + 1) + 9 * wide * wide + wide + 4 * wide
        if index and (width != wide or stride != 1):
            total += wide * (width + 1) + 2 * wide
        width = wide
    return total


@pytest.mark.parametrize(
    "channels",
    [(64, 64, 64, 64, 128, 128, 128, 256, 256, 256), (16, 16, 16, 16, 32, 32, 32, 64, 64, 256)],
    ids=["published", "quarter"],
)
def test_parameter_count_of_the_published_networks(channels: tuple[int, ...]) -> None:
    strides = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
    model = STGCN("egait16", channels, strides)
    count = sum(p.numel() for p in model.parameters())
    assert count == parameters_of_stgcn(channels, strides)
    if channels[-2] == 64:  # counted by building AimCLR's public class for these 16 joints, less its head
        assert count == 908_944 - (256 * 256 + 256 + 256 * 128 + 128)


def aff_by_numpy(layer: AdaptiveFrequencyFilter, x: np.ndarray) -> np.ndarray:
    """The published AFF token mixer: complex grouped linear, ReLU per part, complex grouped linear, soft-shrink."""
    n, c, h, w = x.shape
    g, d = layer.groups, c // layer.groups
    z = np.fft.rfft2(x, norm="ortho").reshape(n, g, d, h, -1)
    (w1, w2), (b1, b2) = ([p.detach().numpy().astype(np.float64) for p in ps] for ps in (layer.weights, layer.biases))

    def linear(re, im, weight, bias):
        product = lambda a, m: np.einsum("ngdhw,gde->ngehw", a, m)  # noqa: E731
        return (
            product(re, weight[0]) - product(im, weight[1]) + bias[0][None, :, :, None, None],
            product(im, weight[0]) + product(re, weight[1]) + bias[1][None, :, :, None, None],
        )

    re, im = linear(z.real, z.imag, w1, b1)
    re, im = linear(np.maximum(re, 0), np.maximum(im, 0), w2, b2)
    shrink = lambda a: np.sign(a) * np.maximum(np.abs(a) - layer.shrink, 0)  # noqa: E731
    y = ((shrink(re) + 1j * shrink(im)) * z).reshape(n, c, h, -1)
    return np.fft.irfft2(y, s=(h, w), norm="ortho") + x


@pytest.mark.parametrize(("height", "width"), [(12, 16), (7, 5), (6, 17)])
def test_frequency_filter_equals_the_equation(height: int, width: int) -> None:
    layer = AdaptiveFrequencyFilter(16, groups=4)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn_like(p) * 0.3)
    x = torch.randn(3, 16, height, width)
    np.testing.assert_allclose(layer(x).detach().numpy(), aff_by_numpy(layer, x.double().numpy()), rtol=1e-3, atol=1e-4)


def test_frequency_filter_with_a_constant_mask_is_a_circular_convolution() -> None:
    """Convolution theorem: only the biases of the second layer are left, so the mask is the same at all frequencies."""
    layer = AdaptiveFrequencyFilter(8, groups=8, shrink=0.0)
    with torch.no_grad():
        for p in layer.parameters():
            p.zero_()
        layer.biases[1][0].fill_(0.5)  # M = 0.5: kernel 0.5 at the origin
    x = torch.randn(2, 8, 6, 16)
    torch.testing.assert_close(layer(x), 1.5 * x, atol=1e-5, rtol=1e-5)


def test_frequency_filter_computes_in_float32_inside_autocast() -> None:
    layer = AdaptiveFrequencyFilter(8)
    x = torch.randn(2, 8, 12, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer(x), layer(x.float()), atol=0, rtol=0)
        assert layer(x.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(layer(x), layer(x.bfloat16()).float(), atol=0.05, rtol=0.05)


def test_readouts_equal_their_definitions() -> None:
    x = torch.randn(3, 4, 6, 16)
    skeleton = get_skeleton("egait16")
    mean = x.numpy().mean((2, 3))
    np.testing.assert_allclose(Readout(4, "egait16")(x).numpy(), mean, atol=1e-6)
    deviation = np.sqrt(x.numpy().var(2) + 1e-6)
    both = Readout(4, "egait16", deviation=True)(x).numpy()
    np.testing.assert_allclose(both, np.concatenate([mean, deviation.mean(-1)], 1), atol=1e-6)
    parts = Readout(4, "egait16", deviation=True, parts=True)
    joints = [list(skeleton.parts[name]) for name in FIVE_PARTS]
    expected = [np.stack([source[..., j].mean(-1) for j in joints], -1) for source in (x.numpy().mean(2), deviation)]
    np.testing.assert_allclose(parts(x).numpy(), np.concatenate(expected, 1).reshape(3, -1), atol=1e-6)
    assert parts.out_channels == 4 * 2 * 5


def test_readout_refuses_a_map_without_the_joint_axis() -> None:
    with pytest.raises(ConfigError, match="joint axis"):
        Readout(4, "egait16")(torch.randn(2, 4, 6, 8))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("frames", [1, 2, 48])
def test_every_layout_and_length_gives_one_vector_per_sample(layout: str, frames: int) -> None:
    model = CFFN({**GRAPH, "skeleton": layout}, {**IMAGE, "skeleton": layout}).eval()
    x = torch.randn(2, 3, frames, get_skeleton(layout).num_joints)
    assert model(x).shape == (2, 128)


def test_gradient_reaches_every_parameter_of_both_branches() -> None:
    model = CFFN(GRAPH, IMAGE)
    model(torch.randn(4, 3, 16, 16)).square().sum().backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A bias before a BatchNorm moves nothing: its gradient is zero by construction.
    assert all(name.endswith("conv.bias") or ".time.0.bias" in name or ".residual.0.bias" in name for name in silent), (
        silent
    )


def test_cffn_is_one_linear_map_of_both_vectors_and_each_branch_can_stand_alone() -> None:
    x = torch.randn(4, 3, 16, 16)
    model = CFFN(GRAPH, IMAGE).eval()
    g, a = (model.branches[name](x) for name in ("graph", "image"))
    expected = torch.cat([g, a], 1) @ model.fusion.weight.T + model.fusion.bias
    torch.testing.assert_close(model(x), expected)
    assert set(CFFN(GRAPH, None).feature_maps(x)) == {"graph"}
    assert set(CFFN(None, IMAGE).feature_maps(x)) == {"image"}
    assert CFFN(GRAPH, IMAGE, out_channels=None).out_channels == g.shape[1] + a.shape[1]
    assert isinstance(CFFN(GRAPH, IMAGE, out_channels=None).fusion, nn.Identity)


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: CFFN(None, None), "all branches are None"),
        (lambda: STGCN("egait16", (8, 8), (1,)), "one stride for each"),
        (lambda: AFFNet("egait16", 8, (8,), (1,)), "one stride for the stem"),
        (lambda: AFFNet("egait16", 8, (12,), (1, 1)), "divisible"),
        (lambda: STGCN("egait17", (8,), (1,)), "no such layout"),
    ],
)
def test_wrong_settings_are_refused(build, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        build()


def test_bfloat16_autocast_trains() -> None:
    model = CFFN(GRAPH, IMAGE)
    x = torch.randn(8, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(x)
    out.float().square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    torch.testing.assert_close(out.float(), model(x), atol=0.2, rtol=0.2)

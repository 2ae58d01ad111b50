"""The layers written for speed: the same numbers as their plain forms, and memory laid out as they need it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmgaitemo.errors import ConfigError
from mmgaitemo.memory import keep_freed_memory
from mmgaitemo.models.backbones import CFFN, AdaptiveFrequencyFilter
from mmgaitemo.models.backbones import frequency as frequency_module
from mmgaitemo.models.backbones.frequency import half_transform, inverse_half_transform, real_transform
from mmgaitemo.models.backbones.graph import spatial_partition
from mmgaitemo.models.backbones.stgcn import GraphConv
from mmgaitemo.models.modules import readout as readout_module
from mmgaitemo.models.modules.bit_dropout import BitDropout
from mmgaitemo.models.modules.readout import Readout
from mmgaitemo.skeleton import get_skeleton

CHANNELS_LAST = torch.channels_last


def walks(*shape: int) -> torch.Tensor:
    return torch.randn(*shape).to(memory_format=CHANNELS_LAST)


def cffn(**graph: Any) -> CFFN:
    layout = dict(skeleton="egait16", readout=dict(deviation=True))
    return CFFN(
        graph=dict(type="STGCN", channels=(8, 24, 24), strides=(2, 1, 1), **layout, **graph),
        image=dict(type="AFFNet", stem=8, channels=(8, 24), strides=(2, 1, 2), **layout),
    )


@pytest.mark.parametrize("skeleton", ["egait16", "kinect25"])
@pytest.mark.parametrize(("narrow", "wide"), [(3, 8), (8, 3), (16, 17)])  # the last is gathered
def test_gathering_first_is_the_published_graph_convolution(skeleton: str, narrow: int, wide: int) -> None:
    adjacency = torch.from_numpy(spatial_partition(get_skeleton(skeleton)))
    layer = GraphConv(narrow, wide, adjacency)
    torch.nn.init.uniform_(layer.edge_importance, 0.5, 1.5)
    x = walks(2, narrow, 7, adjacency.shape[1]).requires_grad_()
    twin = x.detach().clone().requires_grad_()
    per_subset = F.conv2d(twin, layer.conv.weight, layer.conv.bias).view(2, 3, wide, 7, -1)
    published = torch.einsum("nkctv,kvw->nctw", per_subset, adjacency * layer.edge_importance)
    weights = (x, layer.conv.weight, layer.conv.bias, layer.edge_importance)
    ours = layer(x)
    torch.testing.assert_close(ours, published, atol=1e-5, rtol=1e-5)
    cotangent = torch.randn_like(published)
    gradients = torch.autograd.grad(ours, weights, cotangent)
    expected = torch.autograd.grad(published, (twin, *weights[1:]), cotangent)
    for gradient, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("h", "w"), [(4, 6), (5, 16), (6, 7), (1, 4), (3, 1)])
def test_the_matrices_are_numpys_transforms_and_their_inverses(h: int, w: int) -> None:
    device = torch.device("cpu")
    rng = np.random.default_rng(0)
    column = rng.normal(size=h)
    row, spectrum, half = (rng.normal(size=(size, 2)) @ [1, 1j] for size in (w, h, w // 2 + 1))

    def each(values: np.ndarray) -> np.ndarray:  # real, imaginary, real, imaginary, ...
        return np.stack([values.real, values.imag], -1).ravel()

    def planes(values: np.ndarray) -> np.ndarray:  # all real parts, then all imaginary ones
        return np.concatenate([values.real, values.imag])

    expected = [
        (real_transform(h, device), column, each(np.fft.fft(column, norm="ortho"))),
        (real_transform(h, device).T, each(spectrum), np.fft.ifft(spectrum, norm="ortho").real),
        (half_transform(w, device), planes(row), each(np.fft.fft(row, norm="ortho")[: len(half)])),
        # Any spectrum, not only that of a row: the mask leaves none. Only the real part counts.
        (inverse_half_transform(w, device)[:w], each(half), np.fft.irfft(half, n=w, norm="ortho")),
    ]
    for matrix, values, transformed in expected:
        np.testing.assert_allclose(matrix.numpy() @ values, transformed, atol=1e-5)


def test_the_filter_learns_after_it_was_evaluated_and_exported() -> None:
    layer, x = AdaptiveFrequencyFilter(8, groups=4), walks(2, 8, 6, 16)
    with torch.inference_mode():
        evaluated = layer(x)
    exported = torch.export.export(layer, (x,)).module()(x)
    mixed = layer(x)
    mixed.sum().backward()
    assert torch.equal(mixed, evaluated)
    torch.testing.assert_close(exported, mixed)


def test_the_filter_is_the_same_by_matrices_and_by_fft(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = AdaptiveFrequencyFilter(8, groups=4, shrink=1e-3)
    for weight in layer.weights:
        torch.nn.init.normal_(weight)
    results = []
    for most in (10**6, 0):
        monkeypatch.setattr(frequency_module, "MOST_FRAMES", most)
        x = walks(2, 8, 6, 5).fill_(0.5).add_(torch.arange(2 * 8 * 6 * 5).view(2, 8, 6, 5).sin()).requires_grad_()
        mixed = layer(x)
        results.append((mixed, *torch.autograd.grad(mixed.square().sum(), (x, *layer.parameters()))))
    for by_matrices, by_fft in zip(*results, strict=True):
        torch.testing.assert_close(by_matrices, by_fft, atol=2e-4, rtol=1e-4)


def test_the_gradients_written_by_hand_are_those_of_the_values() -> None:
    spectrum, mask = (torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    real, imag = (parts.detach().unbind(2) for parts in (spectrum, mask))
    product = torch.complex(*real) * (1 + torch.complex(*imag))
    filtered = frequency_module._Filtered.apply(spectrum, mask)
    torch.testing.assert_close(filtered, torch.stack([product.real, product.imag], 2))
    assert torch.autograd.gradcheck(frequency_module._Filtered.apply, (spectrum, mask))
    frames = torch.randn(2, 5, 3, 4)
    frames[0, :, 1] = 0.3  # a joint that stands still
    frames.requires_grad_()
    mean, deviation = readout_module._MeanAndDeviation.apply(frames)
    plain = (frames.var(1, correction=0) + 1e-6).sqrt()
    cotangents = tuple(torch.randn(2, *mean.shape))
    gradient, expected = (
        torch.autograd.grad(both, frames, cotangents) for both in ((mean, deviation), (frames.mean(1), plain))
    )
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("p", [0.5, 0.1])
def test_dropout_drops_each_element_with_its_probability_and_alone(p: float) -> None:
    torch.manual_seed(0)
    layer, x = BitDropout(p), torch.ones(4, 5, 50, 103).to(memory_format=CHANNELS_LAST)
    masks = torch.stack([layer(x) for _ in range(20)])
    assert masks.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)], rel=1e-4)
    kept = (masks > 0).float()
    count = kept.numel()
    assert abs(float(kept.mean()) - (1 - p)) < 5 * math.sqrt(p * (1 - p) / count)
    assert abs(float(masks.mean()) - 1) < 5 * math.sqrt(p / (1 - p) / count)
    flat = kept.permute(0, 1, 3, 4, 2).reshape(20, -1) - (1 - p)  # in the order of memory
    for lag in (1, 2, 3, 4, 16, flat.shape[1] // 8):  # four neighbours, or for p = 0.5 eighths, share one draw
        correlation = float((flat[:, lag:] * flat[:, :-lag]).mean()) / (p * (1 - p))
        assert abs(correlation) < 5 / math.sqrt(count)
    assert abs(float((flat[1:] * flat[:-1]).mean())) / (p * (1 - p)) < 5 / math.sqrt(count)


def test_dropout_lets_gradients_through_where_it_lets_values_through() -> None:
    x = walks(2, 3, 4, 5).requires_grad_()
    layer = BitDropout(0.5)
    dropped = layer(x)
    dropped.sum().backward()
    torch.testing.assert_close(x.grad * x, dropped)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(BitDropout(0.0)(x), x)
    torch.manual_seed(3)
    first = layer.train()(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    with pytest.raises(ConfigError, match="is usual"):
        BitDropout(1.0)


def test_the_readout_is_mean_and_deviation_per_part() -> None:
    skeleton = get_skeleton("egait16")
    maps = walks(3, 4, 6, 16)
    pooled = Readout(4, "egait16", deviation=True, parts=True)(maps).view(3, 8, 5)
    values = maps.double().numpy()
    spread = np.sqrt(values.var(axis=2) + 1e-6)
    for column, joints in enumerate(map(list, (skeleton.parts[name] for name in skeleton.parts))):
        np.testing.assert_allclose(pooled[:, :4, column], values.mean(2)[..., joints].mean(-1), atol=1e-6)
        np.testing.assert_allclose(pooled[:, 4:, column], spread[..., joints].mean(-1), atol=1e-6)


class MixedLayouts(TorchDispatchMode):
    """Notes the operations on large maps that do not all have their channels last."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self.elements = elements
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        maps = [t for t in tree_leaves((args, out)) if isinstance(t, torch.Tensor) and t.dim() == 4]
        large = [t for t in maps if t.numel() >= self.elements and t.shape[1] > 3 and t.shape[-1] == 16]  # V = 16
        if not func.is_view and any(not t.is_contiguous(memory_format=CHANNELS_LAST) for t in large):
            self.found.append(f"{func.__name__} {[(tuple(t.shape), t.stride()) for t in large]}")
        return out


def test_channels_lie_last_through_the_whole_network_and_back() -> None:
    # One operation that mixes the two orders takes ten times as long, silently.
    network, x = cffn(dropout=0.5), torch.randn(2, 3, 24, 16)  # no width is 16, the number of joints
    with MixedLayouts(elements=2 * 8 * 6 * 16) as mode:
        network(x).square().sum().backward()
    assert mode.found == []


def test_kept_memory_is_used_again_without_faults() -> None:
    resource = pytest.importorskip("resource", reason="counts page faults, POSIX only")
    keep_freed_memory()

    def step() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            torch.empty(2**23).fill_(1.0)  # 32 MiB: 8,192 pages
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    step()
    assert step() < 8192

"""The wide temporal convolution by frequencies against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mmgaitemo.models.backbones import temporal
from mmgaitemo.models.backbones.temporal import WIDE, TemporalConv


def layer_and_input(
    narrow: int, wide: int, taps: int, frames: int, dtype: torch.dtype
) -> tuple[TemporalConv, torch.Tensor]:
    layer = TemporalConv(narrow, wide, taps, stride=1).to(dtype)
    x = torch.randn(3, narrow, frames, 5, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return layer, x.requires_grad_()


def plain(layer: TemporalConv, x: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)


@pytest.mark.parametrize(
    ("narrow", "wide", "taps", "frames"),
    [(128, 128, 9, 12), (128, 160, 5, 7), (130, 128, 3, 48), (128, 128, 9, 1), (128, 128, 1, 5), (128, 128, 9, 3)],
)
def test_values_and_gradients_are_those_of_the_convolution(narrow: int, wide: int, taps: int, frames: int) -> None:
    layer, x = layer_and_input(narrow, wide, taps, frames, torch.float64)
    ours, theirs = layer(x), plain(layer, x)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(ours, theirs, atol=1e-12)
    weight = torch.randn_like(ours)
    for a, b in zip(
        torch.autograd.grad((ours * weight).sum(), (x, layer.weight, layer.bias)),
        torch.autograd.grad((theirs * weight).sum(), (x, layer.weight, layer.bias)),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-10)


def test_single_precision_is_as_good_as_the_convolution_itself() -> None:
    layer, x = layer_and_input(256, 256, 9, 12, torch.float32)
    exact = plain(layer.double(), x.double())
    layer = layer.float()
    assert (layer(x) - exact).abs().max() < 2e-5 * exact.abs().max()


def test_only_wide_layers_without_stride_take_that_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    way = TemporalConv._through_frequencies
    monkeypatch.setattr(
        TemporalConv, "_through_frequencies", lambda self, x: taken.append(self.in_channels) or way(self, x)
    )
    for channels, stride, frames in [(WIDE, 1, 8), (WIDE - 1, 1, 8), (WIDE, 2, 8), (WIDE, 1, temporal.MOST_FRAMES + 1)]:
        layer = TemporalConv(channels, channels, 9, stride)
        layer(torch.zeros(1, channels, frames, 2))
    assert taken == [WIDE]
    with torch.autocast("cpu", torch.bfloat16):
        TemporalConv(WIDE, WIDE, 9, 1)(torch.zeros(1, WIDE, 8, 2))
    assert taken == [WIDE]  # in half the precision the transforms would cost accuracy, and the convolution is cheap

"""The temporal convolution of wide layers, by way of the frequencies of the frames."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

# From so many channels on, where a CPU multiplies float32, the way through the frequencies is faster: with 256 channels
# and 12 frames 1.8 times (forward and backward), with 128 1.5 times, with 64 not at all.
WIDE = 128
# The transform's cost grows with the square of the number of frames.
MOST_FRAMES = 48


class TemporalConv(nn.Conv2d):
    """Convolution over the frames, "same" padding: (N, C, T, V) to (N, C_out, T / stride, V); an ``nn.Conv2d``.

    A convolution is a product of matrices for each frame and tap (T K of them), but only for each frequency once both
    sides are transformed. With the frequencies (f + 1/2) / L, f = 0 ... L - 1, L >= T + K // 2, what is convolved
    around the end does not reach the T frames that are kept. They come in conjugate pairs: L/2 complex products, of 4
    real ones each, take the place of T K. The result is that of ``nn.Conv2d`` up to rounding (2e-6).

    Args:
        in_channels: C.
        out_channels: C_out.
        kernel_size: Taps K; odd.
        stride: Temporal stride.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, (kernel_size, 1), (stride, 1), (kernel_size // 2, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; channels last in, channels last out."""
        narrow = min(self.in_channels, self.out_channels) < WIDE
        reduced = torch.is_autocast_enabled(x.device.type)
        if narrow or reduced or x.device.type != "cpu" or self.stride[0] > 1 or x.shape[2] > MOST_FRAMES:
            return super().forward(x)
        return self._through_frequencies(x)

    def _through_frequencies(self, x: Tensor) -> Tensor:
        (n, c, t, v), taps = x.shape, self.kernel_size[0]
        length = t + taps // 2
        length += length % 2
        frames, lags = torch.arange(t, dtype=x.dtype), torch.arange(taps, dtype=x.dtype) - taps // 2
        rate = (torch.arange(length // 2, dtype=x.dtype) + 0.5) * (2 * math.pi / length)
        cos, sin = (rate[:, None] * frames).cos(), (rate[:, None] * frames).sin()
        waves = torch.stack([cos, -sin], 1).flatten(0, 1)  # (L, T): of each frequency real part, then imaginary
        spectrum = torch.bmm(waves.expand(n, -1, -1), x.permute(0, 2, 3, 1).reshape(n, t, v * c))
        spectrum = spectrum.view(n, -1, 2, v, c).permute(1, 0, 3, 2, 4).reshape(-1, n * v, 2 * c)
        # A layer correlates, x[t + lag] w[lag]: the conjugate of the weights' transform, hence + sin.
        weight = self.weight[..., 0].permute(2, 1, 0).flatten(1)  # (K, C C_out)
        real = ((rate[:, None] * lags).cos() @ weight).view(-1, c, self.out_channels)
        imag = ((rate[:, None] * lags).sin() @ weight).view(-1, c, self.out_channels)
        matrices = torch.cat([torch.cat([real, imag], 2), torch.cat([-imag, real], 2)], 1)  # (L/2, 2 C, 2 C_out)
        product = torch.bmm(spectrum, matrices).view(-1, n, v, 2, self.out_channels)
        product = product.permute(1, 0, 3, 2, 4).reshape(n, len(waves), -1)
        out = torch.bmm((waves.T * (2 / length)).expand(n, -1, -1), product).view(n, t, v, -1)
        return (out + cast(Tensor, self.bias)).permute(0, 3, 1, 2)

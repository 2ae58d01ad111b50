"""The adaptive frequency filter of the image branch, and the two ways to take its Fourier transform."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError

# Up to this many frames the transform is two matrix products, one along each axis: on CPUs faster than the FFT, and
# nothing but products in the graph (CUDA graphs, ONNX). Their cost grows with the square of the length; above, the FFT.
MOST_FRAMES = 48


class AdaptiveFrequencyFilter(nn.Module):
    """Y = F^-1[ M(F(X)) * F(X) ] + X over both axes of (N, C, H, W) (Huang et al., ICCV 2023, and its public code).

    F is the orthonormal real 2-D Fourier transform; the mask M comes from the spectrum itself by two grouped complex
    linear layers shared by all frequencies, ReLU between them and soft-shrinkage after them (on real and imaginary part
    each). By the convolution theorem this is a circular convolution over all frames and joints whose kernel depends on
    the input. It runs in float32, also inside autocast.

    Args:
        channels: C, divisible by ``groups``.
        groups: Blocks of the block-diagonal layers.
        shrink: lambda of the soft-shrinkage.
    """

    def __init__(self, channels: int, groups: int = 8, shrink: float = 0.01) -> None:
        super().__init__()
        if channels % groups:
            raise ConfigError(
                "AFFNet.channels", f"must be divisible by the {groups} groups", found=channels, remedy="round it"
            )
        width = channels // groups
        self.groups = groups
        self.shrink = shrink
        self.weights = nn.ParameterList(0.02 * torch.randn(2, groups, width, width) for _ in range(2))
        self.biases = nn.ParameterList(0.02 * torch.randn(2, groups, width) for _ in range(2))

    def _complex_linear(self, layer: int, spectrum: Tensor) -> Tensor:
        """Spectra as rows, (N P, 2 C), to the same, real parts before imaginary ones.

        The groups are the blocks of one real matrix: as a whole it is small, and one product of it is faster than
        many of its blocks.
        """
        own = torch.eye(self.groups, device=spectrum.device)[:, None, :, None]
        blocks = self.weights[layer].transpose(2, 3)[:, :, :, None] * own  # (2, G, d, G, d), outputs before inputs
        real, imag = blocks.flatten(3).flatten(1, 2)  # block-diagonal, (C, C) each
        matrix = torch.cat([torch.cat([real, -imag], 1), torch.cat([imag, real], 1)])
        return F.linear(spectrum, matrix, self.biases[layer].flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Mix all frames and joints."""
        _, c, h, w = x.shape
        with torch.autocast(x.device.type, enabled=False):
            spectrum = _spectrum(x.float().permute(0, 2, 3, 1))  # (N, P, 2, C)
            mask = self._complex_linear(1, self._complex_linear(0, spectrum.reshape(-1, 2 * c)).relu_())
            mask = F.softshrink(mask, self.shrink).view_as(spectrum)
            # + X already here, as + F(X): the product adds it on the way, where a sum of maps is two passes more.
            mixed = _pixels(_Filtered.apply(spectrum, mask), h, w)
        return mixed.permute(0, 3, 1, 2).to(x.dtype)


class _Filtered(torch.autograd.Function):
    """F + M F of complex numbers, real and imaginary parts apart: (N, P, 2, C) twice to the same.

    In place, with few temporaries, it takes a third less time than by autograd: 1.4 % of a default encoder's step.
    """

    @staticmethod
    def forward(ctx: Any, spectrum: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(spectrum, mask)
        return _add_product(spectrum.clone(), spectrum, mask, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        (spectrum, mask), (grad,) = ctx.saved_tensors, grads
        to_spectrum = _add_product(grad.clone(), grad, mask, -1)
        return to_spectrum, _add_product(torch.zeros_like(grad), grad, spectrum, -1)


def _add_product(total: Tensor, a: Tensor, b: Tensor, sign: int) -> Tensor:
    """``total`` plus complex a times b, or times the conjugate of b where ``sign`` is -1; in place."""
    (real_a, imag_a), (real_b, imag_b) = a.unbind(2), b.unbind(2)
    negated = -imag_b  # addcmul has a factor for that, which ONNX has not
    total[:, :, 0].addcmul_(real_a, real_b).addcmul_(imag_a, negated if sign > 0 else imag_b)
    total[:, :, 1].addcmul_(imag_a, real_b).addcmul_(real_a, imag_b if sign > 0 else negated)
    return total


# Frames are transformed before joints on the way there, after them on the way back: so nothing has to move in memory
# between the two products.


def _spectrum(pixels: Tensor) -> Tensor:
    """Orthonormal real 2-D transform: (N, H, W, C) to (N, P, 2, C), P = H (W // 2 + 1)."""
    n, h, w, c = pixels.shape
    if h > MOST_FRAMES:
        spectrum = torch.fft.rfft2(pixels.permute(0, 3, 1, 2), norm="ortho")
        return torch.view_as_real(spectrum).permute(0, 2, 3, 4, 1).reshape(n, -1, 2, c)
    columns = _product(real_transform(h, pixels.device), pixels.reshape(n, h, w * c))
    return _product(half_transform(w, pixels.device), columns.view(n * h, 2 * w, c)).view(n, -1, 2, c)


def _pixels(spectrum: Tensor, h: int, w: int) -> Tensor:
    """Its inverse: (N, P, 2, C) to (N, H, W, C)."""
    n, _, _, c = spectrum.shape
    if h > MOST_FRAMES:
        parts = spectrum.reshape(n, h, -1, 2, c).permute(0, 4, 1, 2, 3).contiguous()
        return torch.fft.irfft2(torch.view_as_complex(parts), s=(h, w), norm="ortho").permute(0, 2, 3, 1)
    rows = _product(inverse_half_transform(w, spectrum.device), spectrum.reshape(n * h, -1, c))
    return _product(real_transform(h, spectrum.device).T, rows.view(n, 2 * h, w * c)).view(n, h, w, c)


def _product(matrix: Tensor, batch: Tensor) -> Tensor:
    """One matrix times each of a batch. Not @, which would leave gradients whose channels do not lie last."""
    return torch.bmm(matrix.expand(len(batch), -1, -1), batch)


# The transforms are made anew at each call: some ten operations on a few hundred numbers, where tensors that are kept
# would belong to the mode (inference, export, compilation) and the device of the first call.


def _waves(frequencies: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cos and sin of 2 pi k j / size over sqrt(size), each (frequencies, size)."""
    turns = torch.arange(frequencies, device=device)[:, None] * torch.arange(size, device=device) % size
    angles = turns * (2 * math.pi / size)
    return angles.cos() / size**0.5, angles.sin() / size**0.5


def real_transform(size: int, device: torch.device) -> Tensor:
    """(2 size, size): orthonormal transform of real numbers to all frequencies, each real part, then imaginary.

    Its transpose is the real part of the inverse transform of complex numbers.
    """
    cos, sin = _waves(size, size, device)
    return torch.stack([cos, -sin], 1).view(2 * size, size)


def half_transform(size: int, device: torch.device) -> Tensor:
    """(2 (size // 2 + 1), 2 size): the same of complex numbers, to the frequencies that are no mirror of another.

    The numbers come with all real parts before all imaginary ones; the frequencies each real part, then imaginary.
    """
    cos, sin = _waves(size // 2 + 1, size, device)
    return torch.stack([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)], 1).view(-1, 2 * size)


def inverse_half_transform(size: int, device: torch.device) -> Tensor:
    """(2 size, 2 (size // 2 + 1)): back, each frequency standing for its mirror too.

    Right only where the real part of the result is taken in the end, as that of the frames' transform is.
    """
    mirrored = 2 * torch.arange(size // 2 + 1, device=device) % size != 0
    return (half_transform(size, device) * (1 + mirrored.repeat_interleave(2)[:, None])).T

"""The adaptive frequency filter of the image branch, and the two ways to take its Fourier transform."""

from __future__ import annotations

import math

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
        """(N, P, 2 C) to the same, real parts before imaginary ones.

        The groups are the blocks of one real matrix: as a whole it is small, and one product of it is faster than
        many of its blocks.
        """
        real, imag = (torch.block_diag(*blocks) for blocks in self.weights[layer])
        matrix = torch.cat([torch.cat([real, imag], 1), torch.cat([-imag, real], 1)])
        return spectrum @ matrix + self.biases[layer].flatten()

    def forward(self, x: Tensor) -> Tensor:
        """Mix all frames and joints."""
        n, c, h, w = x.shape
        with torch.autocast(x.device.type, enabled=False):
            pixels = x.float().permute(0, 2, 3, 1).reshape(n, h * w, c)
            spectrum = _spectrum(pixels, h, w)  # (N, P, 2, C)
            mask = self._complex_linear(1, self._complex_linear(0, spectrum.flatten(2)).relu())
            mask = F.softshrink(mask, self.shrink).view_as(spectrum)
            real, imag = spectrum.unbind(2)
            mask_real, mask_imag = mask.unbind(2)
            product = [mask_real * real - mask_imag * imag, mask_real * imag + mask_imag * real]
            mixed = _pixels(torch.stack(product, 2), h, w)
        return x + mixed.view(n, h, w, c).permute(0, 3, 1, 2).to(x.dtype)


def _spectrum(pixels: Tensor, h: int, w: int) -> Tensor:
    """Orthonormal real 2-D transform: (N, H W, C) to (N, P, 2, C), P = (W // 2 + 1) H.

    The order of the frequencies is not the same on both ways; the layers, shared by all of them, do not care.
    """
    n, _, c = pixels.shape
    if h > MOST_FRAMES:
        spectrum = torch.fft.rfft2(pixels.transpose(1, 2).reshape(n, c, h, w), norm="ortho")
        return torch.view_as_real(spectrum).permute(0, 2, 3, 4, 1).reshape(n, -1, 2, c)
    rows = _product(real_transform(w, pixels.device), pixels.reshape(n * h, w, c)).view(n, h, -1, 2, c)
    columns = rows.transpose(1, 2).reshape(-1, 2 * h, c)
    return _product(complex_transform(h, pixels.device), columns).view(n, -1, 2, c)


def _pixels(spectrum: Tensor, h: int, w: int) -> Tensor:
    """Its inverse: (N, P, 2, C) to (N, H W, C)."""
    n, _, _, c = spectrum.shape
    if h > MOST_FRAMES:
        parts = spectrum.reshape(n, h, -1, 2, c).permute(0, 4, 1, 2, 3).contiguous()
        return torch.fft.irfft2(torch.view_as_complex(parts), s=(h, w), norm="ortho").flatten(2).transpose(1, 2)
    columns = _product(complex_transform(h, spectrum.device).T, spectrum.reshape(-1, 2 * h, c))
    rows = columns.view(n, -1, h, 2, c).transpose(1, 2).reshape(n * h, -1, c)
    return _product(inverse_real_transform(w, spectrum.device), rows).view(n, h * w, c)


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


def complex_transform(size: int, device: torch.device) -> Tensor:
    """(2 size, 2 size): orthonormal transform of complex numbers, real part before imaginary; the transpose is back."""
    cos, sin = _waves(size, size, device)
    return torch.stack([torch.stack([cos, sin], 2), torch.stack([-sin, cos], 2)], 1).view(2 * size, 2 * size)


def real_transform(size: int, device: torch.device) -> Tensor:
    """(2 (size // 2 + 1), size): the same of real numbers, to the frequencies that are no mirror of another."""
    cos, sin = _waves(size // 2 + 1, size, device)
    return torch.stack([cos, -sin], 1).view(-1, size)


def inverse_real_transform(size: int, device: torch.device) -> Tensor:
    """(size, 2 (size // 2 + 1)): back, each frequency standing for its mirror too.

    As with any inverse real transform, the imaginary parts of the first and, for even sizes, the last do not count.
    """
    mirrored = 2 * torch.arange(size // 2 + 1, device=device) % size != 0
    return (real_transform(size, device) * (1 + mirrored.repeat_interleave(2)[:, None])).T

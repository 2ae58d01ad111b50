"""The adaptive frequency filter of the image branch, and the two ways to take its Fourier transform."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError

# Up to this many elements of a map the transform is one matrix product, which beats the FFT on CPUs by far and leaves
# nothing but products in the graph (CUDA graphs, ONNX). Its cost grows with the square of the size; above, the FFT.
LARGEST_MATRIX = 1024


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
    """Orthonormal real 2-D transform: (N, H W, C) to (N, P, 2, C), P = H (W // 2 + 1) frequencies."""
    n, size, c = pixels.shape
    if size <= LARGEST_MATRIX:
        matrix = fourier_matrices(h, w, pixels.device)[0]
        return torch.bmm(matrix.expand(n, -1, -1), pixels).view(n, -1, 2, c)
    spectrum = torch.fft.rfft2(pixels.view(n, h, w, c), dim=(1, 2), norm="ortho")
    return torch.stack([spectrum.real, spectrum.imag], 3).flatten(1, 2)


def _pixels(spectrum: Tensor, h: int, w: int) -> Tensor:
    """Its inverse: (N, P, 2, C) to (N, H W, C)."""
    n, _, _, c = spectrum.shape
    if h * w <= LARGEST_MATRIX:
        return torch.bmm(fourier_matrices(h, w, spectrum.device)[1].expand(n, -1, -1), spectrum.flatten(1, 2))
    real, imag = spectrum.unbind(2)
    folded = torch.complex(real, imag).view(n, h, -1, c)
    return torch.fft.irfft2(folded, s=(h, w), dim=(1, 2), norm="ortho").flatten(1, 2)


@lru_cache(maxsize=16)
def fourier_matrices(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The transform as (2 P, H W) and its inverse as (H W, 2 P), real part of each frequency before its imaginary."""
    frequencies = h * (w // 2 + 1)
    pixels = torch.eye(h * w, dtype=torch.float64).view(h * w, h, w)
    forward = torch.view_as_real(torch.fft.rfft2(pixels, norm="ortho")).reshape(h * w, 2 * frequencies)
    parts = torch.eye(2 * frequencies, dtype=torch.float64).view(2 * frequencies, h, -1, 2)
    inverse = torch.fft.irfft2(torch.view_as_complex(parts), s=(h, w), norm="ortho").reshape(2 * frequencies, h * w)
    return forward.T.float().contiguous().to(device), inverse.T.float().contiguous().to(device)

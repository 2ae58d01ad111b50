"""The image branch: a walk as a picture (rows frames, columns joints), mixed in the frequency domain."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import CoordinateNorm, SkeletonBackbone
from mmgaitemo.registry import BACKBONES, NECKS
from mmgaitemo.skeleton import get_skeleton


class AdaptiveFrequencyFilter(nn.Module):
    """Y = F^-1[ M(F(X)) * F(X) ] + X over both axes of (N, C, H, W) (Huang et al., ICCV 2023, and its public code).

    F is the orthonormal real 2-D FFT; the mask M comes from the spectrum itself by two grouped complex linear layers
    shared by all frequencies, ReLU between them and soft-shrinkage after them (on real and imaginary part each). By
    the convolution theorem this is a circular convolution over all frames and joints whose kernel depends on the
    input. It runs in float32, also inside autocast: half precision has no FFT of these sizes.

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
        """(N, G, 2 d, P) with real parts before imaginary ones; real arithmetic, one batched product."""
        real, imag = self.weights[layer].transpose(-1, -2)
        matrix = torch.cat([torch.cat([real, -imag], -1), torch.cat([imag, real], -1)], -2)
        return matrix @ spectrum + torch.cat(list(self.biases[layer]), -1)[..., None]

    def forward(self, x: Tensor) -> Tensor:
        """Mix all frames and joints."""
        n, c, h, w = x.shape
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.fft.rfft2(x.float(), norm="ortho")
            grouped = spectrum.view(n, self.groups, c // self.groups, -1)
            parts = torch.cat([grouped.real, grouped.imag], dim=2)
            mask = self._complex_linear(1, self._complex_linear(0, parts).relu())
            real, imag = F.softshrink(mask, self.shrink).chunk(2, dim=2)
            filtered = torch.complex(real, imag) * grouped
            mixed = torch.fft.irfft2(filtered.view_as(spectrum), s=(h, w), norm="ortho")
        return x + mixed.to(x.dtype)


def _conv(inputs: int, outputs: int, kernel: int, stride: tuple[int, int] = (1, 1), groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class MBConv(nn.Module):
    """Inverted bottleneck: 1x1 expand, 3x3 depthwise, 1x1 project; a skip where the shape allows (MobileNetV2).

    Args:
        in_channels: C.
        out_channels: C_out.
        stride: (frames, joints).
        expansion: Inner width over C.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: tuple[int, int], expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.layers = nn.Sequential(
            *_conv(in_channels, inner, 1),
            nn.SiLU(inplace=True),
            *_conv(inner, inner, 3, stride, groups=inner),
            nn.SiLU(inplace=True),
            *_conv(inner, out_channels, 1),
        )
        self.skip = in_channels == out_channels and tuple(stride) == (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        return x + self.layers(x) if self.skip else self.layers(x)


class AFFBlock(nn.Module):
    """x + AFF(Norm(MBConv(Norm(x)))): local mixing, then global mixing; the shape stays.

    Args:
        channels: C.
        expansion: Of the MBConv.
        groups: Of the filter.
    """

    def __init__(self, channels: int, expansion: int, groups: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            MBConv(channels, channels, (1, 1), expansion),
            nn.BatchNorm2d(channels),
            AdaptiveFrequencyFilter(channels, groups),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Mix."""
        return x + self.layers(x)


@BACKBONES.register_module()
class AFFNet(SkeletonBackbone):
    """A 3x3 stem, then stages of one MBConv (which may shorten time) and one AFF block.

    The paper names the token mixer and no sizes; stack and widths are this project's choice. The joint axis keeps its
    V columns at every stage: the filter's spectrum over the joints stays meaningful, and so do the readout per part
    and the drop of joints. The order of the columns is that of the skeleton.

    Args:
        skeleton: Name of the joint layout.
        stem: Width of the stem.
        channels: Width of each stage, divisible by ``groups``.
        strides: Temporal stride of the stem and of each stage.
        expansion: Inner width of the MBConvs over their input.
        groups: Of the frequency filters.
        readout: Config of the ``Readout``; None means the plain mean.
        in_channels: C of the input.
    """

    def __init__(
        self,
        skeleton: str,
        stem: int,
        channels: Sequence[int],
        strides: Sequence[int],
        expansion: int = 2,
        groups: int = 8,
        readout: dict | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if len(strides) != len(channels) + 1:
            raise ConfigError(
                "AFFNet.strides",
                f"needs one stride for the stem and one for each of the {len(channels)} stages",
                found=tuple(strides),
                remedy="make strides one longer than channels",
            )
        self.norm = CoordinateNorm(in_channels, get_skeleton(skeleton).num_joints)
        layers: list[nn.Module] = [*_conv(in_channels, stem, 3, (strides[0], 1)), nn.SiLU(inplace=True)]
        width = stem
        for wide, stride in zip(channels, strides[1:], strict=True):
            layers += [MBConv(width, wide, (stride, 1), expansion), AFFBlock(wide, expansion, groups)]
            width = wide
        self.layers = nn.Sequential(*layers)
        self.readout = NECKS.build({"type": "Readout", "channels": width, "skeleton": skeleton, **(readout or {})})
        self.out_channels = self.readout.out_channels

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """{"image": (N, C, T', V)}."""
        return {"image": self.layers(self.norm(inputs))}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels)."""
        return self.readout(maps["image"])

"""The image branch: a walk as a picture (rows frames, columns joints), mixed in the frequency domain."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import CoordinateNorm, SkeletonBackbone
from mmgaitemo.models.backbones.frequency import AdaptiveFrequencyFilter
from mmgaitemo.registry import BACKBONES, NECKS
from mmgaitemo.skeleton import get_skeleton


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
            nn.SiLU(),
            *_conv(inner, inner, 3, stride, groups=inner),
            nn.SiLU(),
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
        layers: list[nn.Module] = [*_conv(in_channels, stem, 3, (strides[0], 1)), nn.SiLU()]
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

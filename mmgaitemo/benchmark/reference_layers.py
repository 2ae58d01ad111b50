"""The encoder in the layers of the public code: what ours is timed against, and what its numbers have to equal.

ST-GCN as its public code, and AimCLR's, writes it: a 1x1 convolution to all three subsets, then one einsum with the
adjacency; contiguous (N, C, T, V); each dropout draws a mask of its own. The frequency filter as its public code
writes it: ``torch.fft`` and complex numbers. The names of parameters and buffers are those of our encoder, so that
its weights load. Nothing is shared with ``mmgaitemo.models`` but the skeleton and its adjacency: an optimisation there
cannot slip in here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.graph import spatial_partition
from mmgaitemo.skeleton import FIVE_PARTS, Skeleton, get_skeleton


def reference_encoder(config: Mapping[str, Any]) -> ReferenceEncoder:
    """The network that a backbone config describes.

    Settings of the config that say how something is computed, not what, are not read.

    Args:
        config: Of a ``CFFN``, ``STGCN`` or ``AFFNet``.

    Returns:
        A module with ``feature_maps``, ``embed`` and ``out_channels``, whose ``state_dict`` has the keys of ours.

    Raises:
        ConfigError: There is no reference for this type.
    """
    kinds: dict[str, type[ReferenceEncoder]] = {
        "CFFN": ReferenceCFFN,
        "STGCN": ReferenceSTGCN,
        "AFFNet": ReferenceAFFNet,
    }
    if config["type"] not in kinds:
        raise ConfigError(
            "model.backbone.type",
            "the benchmark has no reference for this encoder",
            found=repr(config["type"]),
            remedy=f"use one of {sorted(kinds)}",
        )
    return kinds[config["type"]](config)


class ReferenceEncoder(nn.Module, ABC):
    """(N, 3, T, V) to (N, out_channels). The config is that of our class."""

    out_channels: int

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()

    @abstractmethod
    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """Name of the branch to its last map (N, C, T', V)."""

    @abstractmethod
    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels) from the maps."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Both."""
        return self.embed(self.feature_maps(inputs))


class ReferenceCFFN(ReferenceEncoder):
    """Both branches, concatenated and projected."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        branches = {name: config[name] for name in ("graph", "image") if config.get(name) is not None}
        self.branches = nn.ModuleDict({name: reference_encoder(branch) for name, branch in branches.items()})
        width = sum(branch.out_channels for branch in self._branches())
        fused = config.get("out_channels", 128)
        self.out_channels = width if fused is None else fused
        self.fusion = nn.Identity() if fused is None else nn.Linear(width, fused)

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """See ``ReferenceEncoder``."""
        maps: dict[str, Tensor] = {}
        for branch in self._branches():
            maps.update(branch.feature_maps(inputs))
        return maps

    def _branches(self) -> list[ReferenceEncoder]:
        return cast(list[ReferenceEncoder], list(self.branches.values()))

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """See ``ReferenceEncoder``."""
        return self.fusion(torch.cat([branch.embed(maps) for branch in self._branches()], dim=1))


class ReferenceSTGCN(ReferenceEncoder):
    """ST-GCN."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        skeleton = get_skeleton(config["skeleton"])
        adjacency = torch.from_numpy(spatial_partition(skeleton))
        inputs, dropout, kernel = config.get("in_channels", 3), config.get("dropout", 0.0), config.get("kernel_size", 9)
        self.norm = _CoordinateNorm(inputs, skeleton.num_joints)
        widths = [inputs, *config["channels"]]
        self.blocks = nn.Sequential(
            *(
                _Block(narrow, wide, adjacency, kernel, stride, dropout if number else 0.0, number > 0)
                for number, ((narrow, wide), stride) in enumerate(zip(pairwise(widths), config["strides"], strict=True))
            )
        )
        self.readout = _Readout(widths[-1], skeleton, config.get("readout") or {})
        self.out_channels = self.readout.out_channels

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """See ``ReferenceEncoder``."""
        return {"graph": self.blocks(self.norm(inputs))}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """See ``ReferenceEncoder``."""
        return self.readout(maps["graph"])


class ReferenceAFFNet(ReferenceEncoder):
    """The image branch."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        skeleton, strides = get_skeleton(config["skeleton"]), config["strides"]
        inputs, expansion, groups = config.get("in_channels", 3), config.get("expansion", 2), config.get("groups", 8)
        self.norm = _CoordinateNorm(inputs, skeleton.num_joints)
        width = config["stem"]
        layers: list[nn.Module] = [*_conv_norm(inputs, width, 3, strides[0]), nn.SiLU(inplace=True)]
        for wide, stride in zip(config["channels"], strides[1:], strict=True):
            layers += [_MBConv(width, wide, stride, expansion), _AFFBlock(wide, expansion, groups)]
            width = wide
        self.layers = nn.Sequential(*layers)
        self.readout = _Readout(width, skeleton, config.get("readout") or {})
        self.out_channels = self.readout.out_channels

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """See ``ReferenceEncoder``."""
        return {"image": self.layers(self.norm(inputs))}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """See ``ReferenceEncoder``."""
        return self.readout(maps["image"])


class _CoordinateNorm(nn.Module):
    """BatchNorm over batch and time of each of the V * C coordinates."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels * joints)

    def forward(self, x: Tensor) -> Tensor:
        n, c, t, v = x.shape
        x = x.permute(0, 3, 1, 2).contiguous().view(n, v * c, t)
        return self.norm(x).view(n, v, c, t).permute(0, 2, 3, 1).contiguous()


class _GraphConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, adjacency: Tensor) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs * len(adjacency), 1)
        self.edge_importance = nn.Parameter(torch.ones_like(adjacency))
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.adjacency: Tensor

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        n, kc, t, v = x.shape
        x = x.view(n, len(self.adjacency), kc // len(self.adjacency), t, v)
        return torch.einsum("nkctv,kvw->nctw", x, self.adjacency * self.edge_importance).contiguous()


class _Block(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, adjacency: Tensor, kernel: int, stride: int, dropout: float, residual: bool
    ) -> None:
        super().__init__()
        self.graph = nn.Sequential(
            _GraphConv(inputs, outputs, adjacency), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )
        self.time = nn.Sequential(
            nn.Conv2d(outputs, outputs, (kernel, 1), (stride, 1), (kernel // 2, 0)),
            nn.BatchNorm2d(outputs),
            nn.Dropout(dropout, inplace=True),
        )
        self.residual: nn.Module | None = None
        if residual:
            same = inputs == outputs and stride == 1
            projection = [] if same else [nn.Conv2d(inputs, outputs, 1, (stride, 1)), nn.BatchNorm2d(outputs)]
            self.residual = nn.Sequential(*projection)

    def forward(self, x: Tensor) -> Tensor:
        out = self.time(self.graph(x))
        out = out if self.residual is None else out + self.residual(x)
        return F.relu(out, inplace=True)


def _conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution over frames and joints, with a stride along the frames, and its BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, kernel, (stride, 1), kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class _MBConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.layers = nn.Sequential(
            *_conv_norm(inputs, inner, 1),
            nn.SiLU(inplace=True),
            *_conv_norm(inner, inner, 3, stride, groups=inner),
            nn.SiLU(inplace=True),
            *_conv_norm(inner, outputs, 1),
        )
        self.skip = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.skip else self.layers(x)


class _AFFBlock(nn.Module):
    def __init__(self, channels: int, expansion: int, groups: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            _MBConv(channels, channels, 1, expansion),
            nn.BatchNorm2d(channels),
            _FrequencyFilter(channels, groups),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class _FrequencyFilter(nn.Module):
    """X + F^-1[M(F(X)) * F(X)] with complex numbers: two block-diagonal linear layers make the mask M."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        width = channels // groups
        self.groups = groups
        self.weights = nn.ParameterList(0.02 * torch.randn(2, groups, width, width) for _ in range(2))
        self.biases = nn.ParameterList(0.02 * torch.randn(2, groups, width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        spectrum = torch.fft.rfft2(x, norm="ortho")
        hidden = spectrum.reshape(n, self.groups, c // self.groups, *spectrum.shape[2:])
        hidden = self._linear(0, hidden)
        hidden = torch.complex(hidden.real.relu(), hidden.imag.relu())
        hidden = self._linear(1, hidden)
        mask = torch.complex(F.softshrink(hidden.real, 0.01), F.softshrink(hidden.imag, 0.01))
        return x + torch.fft.irfft2(mask.reshape(spectrum.shape) * spectrum, s=(h, w), norm="ortho")

    def _linear(self, layer: int, x: Tensor) -> Tensor:
        """(N, G, d, H, W') complex, by four real products."""
        (real, imag), (bias_real, bias_imag) = self.weights[layer], self.biases[layer]

        def product(part: Tensor, weight: Tensor) -> Tensor:
            return torch.einsum("ngdhw,gde->ngehw", part, weight)

        return torch.complex(
            product(x.real, real) - product(x.imag, imag) + bias_real[..., None, None],
            product(x.imag, real) + product(x.real, imag) + bias_imag[..., None, None],
        )


class _Readout(nn.Module):
    def __init__(self, channels: int, skeleton: Skeleton, config: Mapping[str, Any]) -> None:
        super().__init__()
        every = tuple(range(skeleton.num_joints))
        self.groups = [skeleton.parts[name] for name in FIVE_PARTS] if config.get("parts", False) else [every]
        self.deviation = config.get("deviation", False)
        self.out_channels = channels * len(self.groups) * (2 if self.deviation else 1)

    def forward(self, x: Tensor) -> Tensor:
        """Mean over the joints of each group: of their mean, and of their deviation, over time."""
        statistics = [x.mean(2)]
        if self.deviation:
            statistics.append((x.var(2, unbiased=False) + 1e-6).sqrt())
        pooled = [torch.stack([part[..., list(group)].mean(-1) for group in self.groups], -1) for part in statistics]
        return torch.cat(pooled, dim=1).flatten(1)

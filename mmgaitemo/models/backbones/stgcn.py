"""ST-GCN, the graph branch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import CoordinateNorm, SkeletonBackbone
from mmgaitemo.models.backbones.graph import spatial_partition
from mmgaitemo.models.backbones.temporal import TemporalConv
from mmgaitemo.models.modules.bit_dropout import BitDropout
from mmgaitemo.registry import BACKBONES, NECKS
from mmgaitemo.skeleton import get_skeleton

# Up to so many weights a subset, a graph convolution is one matrix over the joints and channels of a frame: more
# multiplications, yet no small products and no gathered map. Forward and backward take half the time for 3 to 16
# channels, a fifth less for 16 to 16, and a quarter more for 16 to 32.
ONE_MATRIX = 256


class GraphConv(nn.Module):
    """sum_k (A_k * W_k^edge)^T x W_k: (N, C, T, V) to (N, C_out, T, V), with learned edge importance.

    The public codes multiply by W first and gather from the neighbours afterwards. The two products commute; gathering
    first works on C channels instead of 3 C_out, and both become plain matrix products where the channels lie last.

    Args:
        in_channels: C.
        out_channels: C_out.
        adjacency: (3, V, V) of ``spatial_partition``.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: Tensor) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels * len(adjacency), kernel_size=1)  # W_1, W_2, W_3 as published
        self.edge_importance = nn.Parameter(torch.ones_like(adjacency))
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.adjacency: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Gather from the neighbours, then transform the channels; channels last in, channels last out."""
        n, c, t, v = x.shape
        edges = self.adjacency * self.edge_importance  # (K, V, V)
        weight = self.conv.weight.view(len(edges), -1, c)  # (K, C_out, C)
        # The bias of a subset reaches a joint once for each neighbour in it, times that edge's weight.
        bias = edges.sum(1).T @ cast(Tensor, self.conv.bias).view(len(edges), -1)  # (V, C_out)
        frames = x.permute(0, 2, 3, 1).reshape(n * t, v, c)
        if weight[0].numel() <= ONE_MATRIX:
            matrix = torch.einsum("kvw,koc->wovc", edges, weight).reshape(bias.numel(), v * c)
            return F.linear(frames.flatten(1), matrix, bias.flatten()).view(n, t, v, -1).permute(0, 3, 1, 2)
        gather = edges.permute(2, 0, 1).reshape(-1, v)
        # bmm, not @, which would fold the batch into the matrix and leave gradients whose channels do not lie last.
        gathered = torch.bmm(gather.expand(n * t, -1, -1), frames)  # (N T, V K, C)
        # The weights as (C_out, K C): their gradient then is the product that takes a quarter less time.
        out = F.linear(gathered.view(n, t, v, -1), weight.transpose(0, 1).reshape(weight.shape[1], -1))
        return out.add_(bias).permute(0, 3, 1, 2)


class STGCNBlock(nn.Module):
    """Graph convolution, temporal convolution and a residual: (N, C, T, V) to (N, C_out, T / stride, V).

    Args:
        in_channels: C.
        out_channels: C_out.
        adjacency: (3, V, V).
        kernel_size: Frames of the temporal convolution; odd.
        stride: Temporal stride.
        dropout: Share of elements zeroed after the temporal convolution.
        residual: Whether there is a residual path (the first block has none).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: Tensor,
        kernel_size: int,
        stride: int,
        dropout: float,
        residual: bool,
    ) -> None:
        super().__init__()
        self.graph = nn.Sequential(
            GraphConv(in_channels, out_channels, adjacency), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
        )
        self.time = nn.Sequential(
            TemporalConv(out_channels, out_channels, kernel_size, stride),
            nn.BatchNorm2d(out_channels),
            BitDropout(dropout),
        )
        self.residual: nn.Module | None = None
        if residual and in_channels == out_channels and stride == 1:
            self.residual = nn.Identity()
        elif residual:
            self.residual = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, (stride, 1)), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """One block."""
        out = self.time(self.graph(x))
        if self.residual is not None:
            out += self.residual(x)
        return out.relu_()


@BACKBONES.register_module()
class STGCN(SkeletonBackbone):
    """Spatial temporal graph convolution (Yan et al., AAAI 2018), without its classifier.

    The published network has widths 64 x 4, 128 x 3, 256 x 3; AimCLR and SkeletonCLR use a quarter of them with a
    last block of 256: (16, 16, 16, 16, 32, 32, 32, 64, 64, 256). Both have stride 2 at blocks 5 and 8.

    Args:
        skeleton: Name of the joint layout.
        channels: Width of each block.
        strides: Temporal stride of each block.
        kernel_size: Frames of the temporal convolutions; odd.
        dropout: In every block but the first.
        readout: Config of the ``Readout``; None means the plain mean.
        in_channels: C of the input.
    """

    def __init__(
        self,
        skeleton: str,
        channels: Sequence[int],
        strides: Sequence[int],
        kernel_size: int = 9,
        dropout: float = 0.0,
        readout: dict | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if len(channels) != len(strides):
            raise ConfigError(
                "STGCN.strides",
                f"needs one stride for each of the {len(channels)} blocks",
                found=tuple(strides),
                remedy="give channels and strides the same length",
            )
        if not channels or kernel_size < 1 or kernel_size % 2 == 0:
            raise ConfigError(
                "STGCN",
                "needs at least one block and an odd kernel_size",
                found=f"channels {tuple(channels)}, kernel_size {kernel_size}",
                remedy="use for example channels=(16, 32), kernel_size=9",
            )
        layout = get_skeleton(skeleton)
        adjacency = torch.from_numpy(spatial_partition(layout))
        self.norm = CoordinateNorm(in_channels, layout.num_joints)
        widths = [in_channels, *channels]
        self.blocks = nn.Sequential(
            *(
                STGCNBlock(narrow, wide, adjacency, kernel_size, stride, dropout if index else 0.0, residual=index > 0)
                for index, ((narrow, wide), stride) in enumerate(zip(pairwise(widths), strides, strict=True))
            )
        )
        self.readout = NECKS.build({"type": "Readout", "channels": widths[-1], "skeleton": skeleton, **(readout or {})})
        self.out_channels = self.readout.out_channels

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """{"graph": (N, C, T', V)}."""
        return {"graph": self.blocks(self.norm(inputs))}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels)."""
        return self.readout(maps["graph"])

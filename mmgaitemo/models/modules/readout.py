"""From a feature map to a feature vector."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import NECKS
from mmgaitemo.skeleton import FIVE_PARTS, get_skeleton


@NECKS.register_module()
class Readout(nn.Module):
    """Pool a map (N, C, T', V) to a vector (N, out_channels).

    Plain: the mean over time and joints, as in ST-GCN. The two switches keep what that mean throws away; together
    they give C * 2 * 5 numbers.

    Args:
        channels: C of the map.
        skeleton: Name of the joint layout of the V axis.
        deviation: Append the standard deviation over time of each joint, averaged over the joints: how much moves,
            not only where it is.
        parts: Pool each of the five parts on its own, so that arms and legs stay apart.
    """

    def __init__(self, channels: int, skeleton: str, deviation: bool = False, parts: bool = False) -> None:
        super().__init__()
        layout = get_skeleton(skeleton)
        groups = [layout.parts[name] for name in FIVE_PARTS] if parts else [tuple(range(layout.num_joints))]
        weight = torch.zeros(layout.num_joints, len(groups))
        for column, joints in enumerate(groups):
            weight[list(joints), column] = 1 / len(joints)
        self.register_buffer("weight", weight, persistent=False)  # (V, G): mean over the joints of each group
        self.weight: Tensor
        self.deviation = deviation
        self.out_channels = channels * len(groups) * (2 if deviation else 1)

    def forward(self, features: Tensor) -> Tensor:
        """Pool.

        Raises:
            ConfigError: The map's joint axis is not that of the skeleton.
        """
        if features.shape[-1] != len(self.weight):
            raise ConfigError(
                "readout",
                f"the map has another joint axis than the skeleton with {len(self.weight)} joints",
                found=tuple(features.shape),
                remedy="keep stride 1 along the joints, or name the skeleton of the data in backbone and preprocessor",
            )
        # Channels last, as the networks leave them: with the axes in another order the gradients would lie otherwise in
        # memory than the map, and torch.var takes ten times as long as the two means.
        frames = features.permute(0, 2, 3, 1)  # (N, T', V, C)
        pooled = mean_and_deviation(frames) if self.deviation else (frames.mean(1),)
        groups = self.weight.T.to(frames.dtype).expand(len(features), -1, -1)
        return torch.cat([torch.bmm(groups, part) for part in pooled], dim=2).transpose(1, 2).flatten(1)


def mean_and_deviation(frames: Tensor) -> tuple[Tensor, Tensor]:
    """(N, T, V, C) to mean and standard deviation over time, (N, V, C) each."""
    return _MeanAndDeviation.apply(frames)


class _MeanAndDeviation(torch.autograd.Function):
    """(N, T', V, C) to mean and standard deviation over time, (N, V, C) each.

    Their gradients together are one multiply-add per element, where autograd takes twelve passes over the map.
    """

    @staticmethod
    def forward(ctx: Any, frames: Tensor) -> tuple[Tensor, Tensor]:
        mean = frames.mean(1)
        variance = (frames - mean[:, None]).float().square_().mean(1)
        deviation = (variance + 1e-6).sqrt()  # epsilon: a still joint has a finite gradient
        ctx.save_for_backward(frames, mean, deviation)
        return mean, deviation.to(mean.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (frames, mean, deviation), (to_mean, to_deviation) = ctx.saved_tensors, grads
        slope = to_deviation / (deviation * frames.shape[1])  # times (frames - mean) is the deviation's gradient
        offset = to_mean / frames.shape[1] - slope * mean
        return torch.addcmul(offset[:, None], frames.float(), slope[:, None]).to(frames.dtype)

"""The statistics branch: how each joint is held and how much it moves, before any layer has mixed the joints."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones.base import SkeletonBackbone
from mmgaitemo.registry import BACKBONES
from mmgaitemo.skeleton import get_skeleton

STILL = 1e-8  # added to a variance over time, (1e-4 body scales)^2: a still joint has a finite gradient


@BACKBONES.register_module()
class JointStatistics(SkeletonBackbone):
    """Moments over time of each channel of each joint: (N, C, T, V) to (N, out_channels).

    The mean of x and the standard deviations of x, of its differences from frame to frame (velocity), and of theirs
    (acceleration); on request the amplitudes of the first harmonics, A_k = 2 / T |sum_t x_t exp(-2 pi i k t / T)|,
    which tell how the swing is shaped whatever its phase. Each number is standardised over the batch (BatchNorm without
    weights). Graph and image branch share
    their filters among the joints and pool over them, so that which joint it was is all but lost; posture, swing and
    smoothness of single joints are what hand-made features of affective gait research measure. There is nothing to
    learn here unless ``hidden`` adds a layer. This branch is the project's own; the paper has none.

    Args:
        skeleton: Name of the joint layout.
        in_channels: C, three for each stream.
        differences: How often x is differenced: 2 for velocities and accelerations, 1 for velocities, 0 for neither.
        harmonics: How many: the k-th swings k times within the T frames.
        symmetric: The mean of a walk's numbers and those of its mirror image, left joints standing for right ones too:
            for classes that do not depend on the side.
        hidden: Width of a layer (Linear, BN, ReLU) behind the numbers; None leaves them as they are.

    Raises:
        ConfigError: A setting out of its range; ``symmetric`` with channels that are not threes of coordinates.
    """

    def __init__(
        self,
        skeleton: str,
        in_channels: int = 3,
        differences: int = 2,
        harmonics: int = 0,
        symmetric: bool = False,
        hidden: int | None = None,
    ) -> None:
        super().__init__()
        _whole("differences", differences, 0, "2 is usual")
        _whole("harmonics", harmonics, 0, "0 leaves them out")
        if hidden is not None:
            _whole("hidden", hidden, 1, "None leaves the layer out")
        layout = get_skeleton(skeleton)
        if symmetric and in_channels % 3:
            raise ConfigError(
                "JointStatistics.in_channels",
                "a mirror needs three coordinates a stream",
                found=in_channels,
                remedy="use 3 for each stream, or symmetric=False",
            )
        self.differences, self.harmonics = differences, harmonics
        kept = [joint for joint in range(layout.num_joints) if not symmetric or joint <= layout.mirror[joint]]
        sign = torch.ones(in_channels)
        sign[layout.lateral :: 3] = -1
        self.mirror: Tensor | None
        self.register_buffer("mirror", torch.tensor(layout.mirror) if symmetric else None, persistent=False)
        self.register_buffer("kept", torch.tensor(kept), persistent=False)
        self.register_buffer("sign", sign[:, None], persistent=False)  # (C, 1): of a mean under the mirror
        numbers = (2 + differences + harmonics) * in_channels * len(kept)
        self.norm = nn.BatchNorm1d(numbers, eps=STILL, affine=False)
        layer = [] if hidden is None else [nn.Linear(numbers, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
        self.layers = nn.Sequential(*layer)
        self.out_channels = hidden or numbers

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        """{"statistics": (N, C, T, V)}: the input itself."""
        return {"statistics": inputs}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, out_channels).

        Raises:
            ConfigError: Fewer frames than ``differences`` + 1, or than two for each of the harmonics.
        """
        x = maps["statistics"]
        frames = x.shape[2]
        for name, value, most in (
            ("differences", self.differences, frames - 1),
            ("harmonics", self.harmonics, frames // 2),
        ):
            if value > most:
                raise ConfigError(
                    f"JointStatistics.{name}",
                    f"a walk of {frames} frames has no more than {most}",
                    found=value,
                    remedy="use longer walks, or fewer",
                )
        mean, spreads = x.mean(2), []
        amplitudes = self._amplitudes(x)
        for order in range(self.differences + 1):
            x = x.diff(dim=2) if order else x
            spreads.append((x.var(2, correction=0) + STILL).sqrt())
        spreads += amplitudes
        if self.mirror is not None:
            mean = (mean + self.sign * mean[..., self.mirror]) / 2
            spreads = [(part + part[..., self.mirror]) / 2 for part in spreads]
        numbers = torch.stack([mean, *spreads], 1)[..., self.kept].flatten(1)  # (N, moments * C * joints)
        return self.layers(self.norm(numbers))

    def _amplitudes(self, x: Tensor) -> list[Tensor]:
        """(N, C, V) for each harmonic; by products with waves, which every exporter knows, as it does not the FFT."""
        frames = x.shape[2]
        time = torch.arange(frames, device=x.device, dtype=x.dtype) * (2 * torch.pi / frames)
        amplitudes = []
        for k in range(1, self.harmonics + 1):
            even, odd = (torch.einsum("nctv,t->ncv", x, wave) for wave in ((k * time).cos(), (k * time).sin()))
            amplitudes.append((even.square() + odd.square() + STILL).sqrt() * (2 / frames))
        return amplitudes


def _whole(name: str, value: object, least: int, remedy: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(
            f"JointStatistics.{name}", f"must be a whole number of at least {least}", found=repr(value), remedy=remedy
        )

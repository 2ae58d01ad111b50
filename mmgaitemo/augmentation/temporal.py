"""General transforms along time.

`TemporalCrop` belongs to the default T; the others are candidates for a study of general augmentations. Forms and
strengths follow the augmentations of AimCLR's public code; SSAL's own values are not known.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmgaitemo.augmentation.base import ViewTransform, ascending, integers, take_frames, uniform, whole
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import Skeleton


@TRANSFORMS.register_module()
class TemporalCrop(ViewTransform):
    """Shift the window of T frames by a random number of frames, filling up with mirrored ends.

    With L = floor(T / padding_ratio), both ends are padded by the reversed first and last L frames to T + 2L frames;
    the window starts at k ~ U{0, ..., 2L} (SkeletonCLR, AimCLR). Sequences with T < padding_ratio stay as they are.

    Args:
        padding_ratio: Whole number >= 1.
        prob: Probability per sample.

    Raises:
        ConfigError: ``padding_ratio`` is no whole number >= 1.
    """

    def __init__(self, padding_ratio: int = 6, prob: float = 1.0) -> None:
        super().__init__(prob)
        self.padding_ratio = whole("TemporalCrop.padding_ratio", padding_ratio, 1)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        length = x.shape[2]
        padding = length // self.padding_ratio
        start = integers(len(x), 0, 2 * padding, generator)
        frame = torch.arange(length, device=x.device) + start[:, None] - padding  # (N, T), within [-L, T + L)
        frame = torch.where(frame < 0, -1 - frame, frame)
        return take_frames(x, torch.where(frame >= length, 2 * length - 1 - frame, frame))


@TRANSFORMS.register_module()
class GaussianBlur(ViewTransform):
    """Smooth every coordinate along time with a normalised Gaussian, one width per sample.

    The ends are continued by reflection (the end frame is not repeated), also where the kernel is longer than the
    sequence.

    Args:
        kernel: Number of taps, odd.
        sigma: (smallest, largest) standard deviation of the Gaussian in frames; drawn uniformly between.
        prob: Probability per sample.

    Raises:
        ConfigError: Even kernel, or ``sigma`` not ascending within 0.001 to 1000.
    """

    def __init__(self, kernel: int = 15, sigma: tuple[float, float] = (0.1, 2.0), prob: float = 0.5) -> None:
        super().__init__(prob)
        self.kernel = whole("GaussianBlur.kernel", kernel, 1)
        if kernel % 2 == 0:
            raise ConfigError("GaussianBlur.kernel", "must be odd", found=kernel, remedy=f"use {kernel + 1}")
        ascending("GaussianBlur.sigma", sigma, 1e-3, 1e3)
        self.sigma = sigma

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        length, radius = x.shape[2], self.kernel // 2
        offset = torch.arange(-radius, radius + 1, device=x.device)
        sigma = uniform((len(x), 1), *self.sigma, generator)
        weight = torch.softmax(-(offset**2) / (2 * sigma**2), dim=1)  # (N, K): a Gaussian that sums to one
        period = max(2 * length - 2, 1)
        source = (torch.arange(length, device=x.device)[:, None] + offset) % period  # (T, K)
        source = torch.minimum(source, period - source)  # reflection is a triangle wave of the frame number
        smoother = x.new_zeros(len(x), length, length)
        smoother.scatter_add_(2, source.expand(len(x), -1, -1), weight[:, None].expand(-1, length, -1))
        return torch.einsum("nts,ncsv->nctv", smoother, x)


@TRANSFORMS.register_module()
class TimeFlip(ViewTransform):
    """Play the sequence backwards.

    Args:
        prob: Probability per sample.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        return x.flip(2)

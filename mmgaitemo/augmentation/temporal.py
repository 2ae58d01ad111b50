"""General transforms along time.

`TemporalCrop` belongs to the default T, `RandomWindow` to the gait-fit one of ``configs/ssal_plus_*.py``; the others
are candidates for a study of general augmentations. Forms and strengths follow the augmentations of AimCLR's public
code, but for `RandomWindow`, which is ours; SSAL's own values are not known.
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
class RandomWindow(ViewTransform):
    """Cut a window of ``length`` frames out of a longer input: (N, 3, T, V) to (N, 3, length, V).

    It starts at k ~ U{0, ..., T - length}. Where the pipeline tiles a gait cycle to more frames than the network reads,
    this is a random phase of the gait without the seam that `TemporalCrop` has where it turns round. It belongs first
    in its recipe, so that what follows has fewer frames to work on.

    Args:
        length: Frames of the window, at least 2.

    Raises:
        ConfigError: ``length`` is no whole number >= 2, or the input has fewer frames.
    """

    def __init__(self, length: int = 48) -> None:
        super().__init__()
        self.length = whole("RandomWindow.length", length, 2)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`; only the number of frames changes."""
        spare = x.shape[2] - self.length
        if spare < 0:
            raise ConfigError(
                "RandomWindow.length",
                "the window is longer than the walks it is cut out of",
                found=f"{self.length} of {x.shape[2]} frames",
                remedy="raise train_dataloader.dataset.pipeline.time.length, or shorten the window",
            )
        start = integers(len(x), 0, spare, generator)
        return take_frames(x, start[:, None] + torch.arange(self.length, device=x.device))


@TRANSFORMS.register_module()
class GaussianBlur(ViewTransform):
    """Smooth every coordinate along time with a normalised Gaussian, one width per sample.

    The ends are continued by reflection (the end frame is not repeated), also where the kernel is longer than the
    sequence.

    Args:
        kernel: Number of taps, odd.
        sigma: (smallest, largest) standard deviation of the Gaussian in frames; drawn uniformly between.
        normalised: False: as AimCLR's code, whose weights do not sum to one, which enlarges the body up to five times,
            and which takes zeros for what lies beyond the ends.
        prob: Probability per sample.

    Raises:
        ConfigError: Even kernel, or ``sigma`` not ascending within 0.001 to 1000.
    """

    def __init__(
        self,
        kernel: int = 15,
        sigma: tuple[float, float] = (0.1, 2.0),
        normalised: bool = True,
        prob: float = 0.5,
    ) -> None:
        super().__init__(prob)
        self.normalised = normalised
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
        source = torch.arange(length, device=x.device)[:, None] + offset  # (T, K)
        exponent = -(offset**2) / (2 * sigma**2)
        if self.normalised:
            weight = torch.softmax(exponent, dim=1)[:, None].expand(-1, length, -1)  # a Gaussian that sums to one
            period = max(2 * length - 2, 1)
            source = source % period
            source = torch.minimum(source, period - source)  # reflection is a triangle wave of the frame number
        else:
            inside = (source >= 0) & (source < length)
            weight, source = torch.exp(exponent)[:, None] * inside, source.clamp(0, length - 1)
        smoother = x.new_zeros(len(x), length, length)
        smoother.scatter_add_(2, source.expand(len(x), -1, -1), weight)
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

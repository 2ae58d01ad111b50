"""The selective strong augmentation of SSAL: upper body jitter and random spatiotemporal mask.

The paper's figure captions say what they do ("move the joints of the upper limbs to irregular positions while
keeping the other joints unchanged"; "randomly mask one or two parts with zeros"; "randomly remove several frames");
the laws, the numbers and the probabilities are not known and are our choices, named at each class.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mmgaitemo.augmentation.base import (
    ViewTransform,
    apply_matrix,
    ascending,
    build_transform,
    choose,
    indices,
    integers,
    one_of,
    random_subsets,
    set_zero,
    take_frames,
    uniform,
    whole,
    within,
)
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import FIVE_PARTS, Skeleton

_JITTER_SCALES = {"matrix": 1.0, "near_identity": 0.3, "noise": 0.1}


@TRANSFORMS.register_module()
class UpperBodyJitter(ViewTransform):
    """Move joints of the upper limbs to irregular positions; all others stay (SSAL, figure 3a).

    The paper gives no law. Ours, one draw per sample and the same in all frames:

    * ``matrix`` (default): p <- J p, J a 3 x 3 matrix of U(-scale, scale), as the joint jittering of
      Skeleton-Contrastive's public code. Coordinates are centred on the root, so J acts on the pose, and bones
      change their lengths.
    * ``noise``: p <- p + d, d ~ N(0, scale^2) per coordinate, with an offset of its own for each joint.

    Args:
        law: ``matrix``, ``near_identity`` or ``noise``.
        scale: Largest entry of J, or standard deviation of the noise in body scales; ``None``: 1 for ``matrix``, 0.3
            for ``near_identity``, 0.1 for ``noise``.
        joints: Number of upper limb joints to move, a random subset per sample; ``None``: all.
        prob: Probability per sample.

    Raises:
        ConfigError: Unknown law, ``scale`` out of range, or more ``joints`` than the skeleton's upper limbs have.
    """

    def __init__(
        self, law: str = "matrix", scale: float | None = None, joints: int | None = None, prob: float = 1.0
    ) -> None:
        super().__init__(prob)
        self.law = one_of("UpperBodyJitter.law", law, tuple(_JITTER_SCALES))
        self.scale = within("UpperBodyJitter.scale", _JITTER_SCALES[law] if scale is None else scale, 0, 10)
        self.joints = None if joints is None else whole("UpperBodyJitter.joints", joints, 1)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        moved = self._moved(len(x), skeleton, generator)[:, None, None]
        if self.law == "noise":
            offset = torch.randn(len(x), 3, 1, x.shape[3], generator=generator, device=x.device)
            jittered = x + self.scale * offset
        else:
            matrix = uniform((len(x), 3, 3), -self.scale, self.scale, generator)
            if self.law == "near_identity":
                matrix.diagonal(dim1=1, dim2=2).add_(1)
            jittered = apply_matrix(x, matrix)
        return choose(moved, jittered, x)

    def _moved(self, batch: int, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """(N, V) bool: the joints that move."""
        limbs, count = skeleton.upper_limbs, self.joints
        if count is not None and count > len(limbs):
            raise ConfigError(
                "UpperBodyJitter.joints",
                f"skeleton {skeleton.name!r} has {len(limbs)} upper limb joints",
                found=count,
                remedy="choose fewer, or None for all",
            )
        device = generator.device
        chosen = torch.ones(batch, len(limbs), dtype=torch.bool, device=device)
        if count is not None:
            chosen = random_subsets(torch.full((batch,), count, device=device), len(limbs), generator)
        still = torch.zeros(batch, skeleton.num_joints, dtype=torch.bool, device=device)
        return still.index_copy(1, indices(tuple(limbs), device), chosen)


@TRANSFORMS.register_module()
class RandomSpatiotemporalMask(ViewTransform):
    """Set one or two of the five body parts to zero and remove several frames (SSAL, figures 3b and 3c).

    n_p ~ U{num_parts} parts are zero in all frames; n_f ~ U{ceil(a T), ..., floor(b T)} frames, (a, b) =
    ``frame_ratio``, drawn singly, hence in general not contiguous, are removed. The shares, and that a removed frame
    is a frame of zeros, are our choice. Where T is so short that no whole number lies between the two shares, the
    smaller bound floor(b T) is taken: never more than the share b is removed.

    Args:
        num_parts: (fewest, most) parts, within 0 to 4.
        frame_ratio: (smallest, largest) share of frames, within 0 to 0.9.
        frames: ``zero`` keeps the frames in place as zeros; ``delete`` closes the gaps and resamples the remaining
            frames linearly to T.
        prob: Probability per sample.

    Raises:
        ConfigError: A bound out of range, bounds not ascending, or unknown ``frames``.
    """

    def __init__(
        self,
        num_parts: tuple[int, int] = (1, 2),
        frame_ratio: tuple[float, float] = (0.10, 0.25),
        frames: str = "zero",
        prob: float = 1.0,
    ) -> None:
        super().__init__(prob)
        ascending("RandomSpatiotemporalMask.num_parts", num_parts, 0, 4)
        ascending("RandomSpatiotemporalMask.frame_ratio", frame_ratio, 0, 0.9)
        fewest, most = (whole("RandomSpatiotemporalMask.num_parts", bound, 0) for bound in num_parts)
        self.num_parts, self.frame_ratio = (fewest, most), frame_ratio
        self.frames = one_of("RandomSpatiotemporalMask.frames", frames, ("zero", "delete"))

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        batch, _, length, _ = x.shape
        owner = {joint: part for part, name in enumerate(FIVE_PARTS) for joint in skeleton.parts[name]}
        part_of = indices(tuple(owner[joint] for joint in range(skeleton.num_joints)), x.device)
        parts = random_subsets(integers(batch, *self.num_parts, generator), len(FIVE_PARTS), generator)
        joints = parts[:, part_of]  # (N, V)
        removed = random_subsets(integers(batch, *self._frame_bounds(length), generator), length, generator)  # (N, T)
        if self.frames == "zero":
            return set_zero(joints[:, None, None, :] | removed[:, None, :, None], x)
        return set_zero(joints[:, None, None, :], _without_frames(x, removed))

    def _frame_bounds(self, length: int) -> tuple[int, int]:
        """Fewest and most frames to remove of ``length``."""
        # Rounding first: in floating point 0.07 * 100 is more than 7, and 0.29 * 100 less than 29.
        low, high = (round(ratio * length, 6) for ratio in self.frame_ratio)
        return min(math.ceil(low), math.floor(high)), math.floor(high)


def _without_frames(x: Tensor, removed: Tensor) -> Tensor:
    """Delete the frames (N, T) of (N, 3, T, V), at least one of each sample remaining, and resample linearly to T."""
    length = x.shape[2]
    kept = removed.to(torch.uint8).argsort(dim=1, stable=True)  # remaining frames first, in their order
    last = length - 1 - removed.sum(1, keepdim=True)
    position = torch.arange(length, device=x.device) * last / max(length - 1, 1)  # (N, T) among the remaining frames
    before = position.floor().long()
    after = torch.minimum(before + 1, last)
    share = (position - before)[:, None, :, None]
    return torch.lerp(take_frames(x, kept.gather(1, before)), take_frames(x, kept.gather(1, after)), share)


@TRANSFORMS.register_module()
class SSA(ViewTransform):
    """Selective strong augmentation: the jitter first, then the mask, so that zeros win.

    Which of the two a sample undergoes, drawn per sample (the paper's rule is not known; ``any`` is our choice):

    ========= ============ ========== ==== ===================================================================
    selection P(jitter)    P(mask)    both rule
    ========= ============ ========== ==== ===================================================================
    any       0.625        0.625      0.25 each with probability 1/2; if neither fires, one of them, uniformly
    both      1            1          1    always both
    one       0.5          0.5        0    exactly one, uniformly
    ========= ============ ========== ==== ===================================================================

    If one of the two is ``None`` the other always fires, whatever the selection.

    Args:
        jitter: Config of a transform (usually `UpperBodyJitter`), or ``None``.
        mask: Config of a transform (usually `RandomSpatiotemporalMask`), or ``None``.
        selection: ``any``, ``both`` or ``one``.

    Raises:
        ConfigError: Both are ``None``, one has a ``prob`` of its own (the selection decides), unknown selection.
    """

    def __init__(
        self, jitter: dict | ViewTransform | None, mask: dict | ViewTransform | None, selection: str = "any"
    ) -> None:
        super().__init__()
        if jitter is None and mask is None:
            raise ConfigError("SSA", "jitter and mask are both None", remedy="keep one, or drop the SSA itself")
        self.jitter = None if jitter is None else self._build(jitter, "SSA.jitter")
        self.mask = None if mask is None else self._build(mask, "SSA.mask")
        self.selection = one_of("SSA.selection", selection, ("any", "both", "one"))

    @staticmethod
    def _build(config: dict | ViewTransform, where: str) -> ViewTransform:
        transform = build_transform(config, where)
        if transform.prob != 1:
            raise ConfigError(
                f"{where}.prob", "must be 1 inside an SSA", found=transform.prob, remedy="use SSA.selection instead"
            )
        return transform

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        jittered, masked = self._select(len(x), generator)
        if self.jitter is not None:
            x = choose(jittered, self.jitter(x, skeleton, generator), x)
        if self.mask is not None:
            x = choose(masked, self.mask(x, skeleton, generator), x)
        return x

    def _select(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two (N, 1, 1, 1) bool: the samples to jitter and the samples to mask."""
        jitter, mask, jitter_forced = uniform((3, batch, 1, 1, 1), 0, 1, generator) < 0.5
        if self.selection == "both" or self.jitter is None or self.mask is None:
            return torch.ones_like(jitter), torch.ones_like(mask)
        if self.selection == "one":
            return jitter_forced, ~jitter_forced
        neither = ~(jitter | mask)
        return jitter | (neither & jitter_forced), mask | (neither & ~jitter_forced)

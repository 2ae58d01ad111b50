"""General transforms that move joints within each frame.

`Shear` belongs to the default T, `RandomYaw` and `MirrorFlip` to the gait-fit one of ``configs/ssal_plus_*.py`` too;
the others are candidates for a study of general augmentations. Forms and strengths follow the augmentations of AimCLR's
public code, but for `RandomYaw`, which is ours; SSAL's own values are not known.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mmgaitemo.augmentation.base import (
    ViewTransform,
    apply_matrix,
    indices,
    integers,
    set_zero,
    uniform,
    within,
)
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import Skeleton


@TRANSFORMS.register_module()
class Shear(ViewTransform):
    """p <- A p with A = [[1, a12, a13], [a21, 1, a23], [a31, a32, 1]], a_ij ~ U(-amplitude, amplitude).

    One matrix per sample, for all frames (SkeletonCLR, AimCLR).

    Args:
        amplitude: Largest off-diagonal entry, 0 to 10.
        prob: Probability per sample.

    Raises:
        ConfigError: Amplitude out of range.
    """

    def __init__(self, amplitude: float = 0.5, prob: float = 1.0) -> None:
        super().__init__(prob)
        self.amplitude = within("Shear.amplitude", amplitude, 0, 10)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        matrix = uniform((len(x), 3, 3), -self.amplitude, self.amplitude, generator)
        matrix.diagonal(dim1=1, dim2=2).fill_(1)
        return apply_matrix(x, matrix)


@TRANSFORMS.register_module()
class RandomRotate(ViewTransform):
    """Rotate about the origin: much about one axis drawn at random, little about the other two.

    R = R_z R_y R_x; the main axis has an angle of U(-main_angle, main_angle), the others of
    U(-other_angle, other_angle), so that the views have no preferred sense of rotation.

    Args:
        main_angle: Largest angle about the main axis, in degrees, 0 to 180.
        other_angle: Largest angle about the other axes, in degrees, 0 to 180.
        one_way: Turn in one sense only, as AimCLR's code does: angles of U(-main_angle, 0) and U(-other_angle, 0).
        prob: Probability per sample.

    Raises:
        ConfigError: An angle out of range.
    """

    def __init__(
        self, main_angle: float = 30.0, other_angle: float = 1.0, one_way: bool = False, prob: float = 1.0
    ) -> None:
        super().__init__(prob)
        self.highest = 0.0 if one_way else 1.0
        self.main_angle = within("RandomRotate.main_angle", main_angle, 0, 180)
        self.other_angle = within("RandomRotate.other_angle", other_angle, 0, 180)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        main = integers(len(x), 0, 2, generator)[:, None] == torch.arange(3, device=x.device)
        limit = torch.where(main, self.main_angle, self.other_angle) * (math.pi / 180)
        angles = limit * uniform((len(x), 3), -1, self.highest, generator)
        turn_x, turn_y, turn_z = (_rotation(axis, angles[:, axis]) for axis in range(3))
        return apply_matrix(x, turn_z @ turn_y @ turn_x)


@TRANSFORMS.register_module()
class RandomYaw(ViewTransform):
    """Turn the walker about the vertical axis by an angle of U(-max_angle, max_angle).

    The heading found in a recording is off by some degrees; which way is up is not, and lean carries emotion.

    Args:
        max_angle: Largest angle in degrees, 0 to 180.
        prob: Probability per sample.

    Raises:
        ConfigError: Angle out of range.
    """

    def __init__(self, max_angle: float = 8.0, prob: float = 1.0) -> None:
        super().__init__(prob)
        self.max_angle = within("RandomYaw.max_angle", max_angle, 0, 180)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        limit = math.radians(self.max_angle)
        return apply_matrix(x, _rotation(skeleton.up, uniform((len(x),), -limit, limit, generator)))


def _rotation(axis: int, angle: Tensor) -> Tensor:
    """(N, 3, 3) right-handed rotations by (N,) radians about one coordinate axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.zeros(len(angle), 3, 3, device=angle.device)
    matrix[:, axis, axis] = 1
    matrix[:, first, first] = matrix[:, second, second] = angle.cos()
    matrix[:, second, first] = angle.sin()
    matrix[:, first, second] = -angle.sin()
    return matrix


@TRANSFORMS.register_module()
class MirrorFlip(ViewTransform):
    """Mirror the walker: exchange left and right joints and negate the lateral coordinate.

    A true mirror image, so that applied twice it changes nothing.

    Args:
        indices_only: Exchange the joints and negate nothing, as AimCLR's spatial flip does: it twists the body.
        prob: Probability per sample.
    """

    def __init__(self, indices_only: bool = False, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.indices_only = indices_only

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        mirrored = x.index_select(3, indices(tuple(skeleton.mirror), x.device))
        if not self.indices_only:
            mirrored[:, skeleton.lateral].neg_()
        return mirrored


@TRANSFORMS.register_module()
class GaussianNoise(ViewTransform):
    """Add N(0, std^2) to every coordinate of every joint and frame.

    Args:
        std: Standard deviation in body scales, 0 to 10.
        prob: Probability per sample.

    Raises:
        ConfigError: ``std`` out of range.
    """

    def __init__(self, std: float = 0.01, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.std = within("GaussianNoise.std", std, 0, 10)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        return x + self.std * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


@TRANSFORMS.register_module()
class AxisMask(ViewTransform):
    """Set one coordinate axis, drawn at random per sample, to zero.

    Args:
        prob: Probability per sample.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)

    def transform(self, x: Tensor, skeleton: Skeleton, generator: torch.Generator) -> Tensor:
        """See `ViewTransform`."""
        masked = integers(len(x), 0, 2, generator)[:, None] == torch.arange(3, device=x.device)
        return set_zero(masked[:, :, None, None], x)

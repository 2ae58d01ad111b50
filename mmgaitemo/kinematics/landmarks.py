"""The points of a body that the features speak of, found in any layout by the names of its joints."""

from __future__ import annotations

import numpy as np

from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import Skeleton

PAIRED = ("shoulder", "elbow", "hand", "hip", "knee", "foot")
POINTS = ("neck", "head", *(f"left_{name}" for name in PAIRED), *(f"right_{name}" for name in PAIRED))
# What layouts call these points, the preferred name first. Neck and legs are in the skeleton record.
_NAMES = {
    "head": ("head", "nose"),
    **{f"{side}_{name}": (f"{side}_{name}",) for side in ("left", "right") for name in ("shoulder", "elbow")},
    **{f"{side}_hand": (f"{side}_hand", f"{side}_wrist") for side in ("left", "right")},
}


def body_points(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """The points in the axes of the body.

    Args:
        positions: (T, V, 3), centred on the root, scaled and turned as the pipelines do.
        skeleton: The layout.

    Returns:
        (T, 14, 3): ``POINTS``; axes to the left, up and ahead of the body. The centre is the origin.

    Raises:
        ConfigError: The layout lacks one of the points.
    """
    axes = [skeleton.lateral, skeleton.up, skeleton.forward]
    points = np.empty((len(positions), len(POINTS), 3))
    points[:, 0] = positions[:, list(skeleton.neck)].mean(axis=1)[:, axes]
    points[:, 1:] = positions[:, _joints(skeleton)][..., axes]
    return points * (-1.0, 1.0, -skeleton.handedness)  # left is negative lateral: see AlignHeading


def _joints(skeleton: Skeleton) -> list[int]:
    """Joint of each point but the neck."""
    joints = skeleton.joints
    found = {
        point: next((joints.index(name) for name in names if name in joints), -1) for point, names in _NAMES.items()
    }
    if missing := [point for point, joint in found.items() if joint < 0]:
        raise ConfigError(
            "pipeline.kinematics",
            f"layout {skeleton.name!r} has no {' and no '.join(missing)}",
            found=joints,
            remedy=f"call these joints {' and '.join(' or '.join(_NAMES[point]) for point in missing)}, or set "
            "kinematics=None",
        )
    for side, hip, ankle in zip(("left", "right"), skeleton.hips, skeleton.ankles, strict=True):
        found |= {f"{side}_hip": hip, f"{side}_knee": skeleton.parents[ankle], f"{side}_foot": ankle}
    return [found[point] for point in POINTS[1:]]

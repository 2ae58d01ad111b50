"""A walking puppet of any joint layout, with a known gait cycle, for the tests of cycles and of normalisation."""

from __future__ import annotations

import numpy as np

from mmgaitemo.skeleton import Skeleton


def puppet(
    skeleton: Skeleton,
    frames: int = 150,
    period: float = 34.0,
    *,
    speed: float = 0.0,
    limp: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """(T, V, 3) metres, upright, facing as the layout does (left on the negative lateral axis).

    Limbs are pendulums that swing once a period, trunk and knees nod twice; no two joints move alike, and left and
    right are not quite alike, so that nothing comes out right by symmetry.

    Args:
        skeleton: The layout.
        frames: T.
        period: Frames of a gait cycle.
        speed: Metres per frame of travel.
        limp: 0 to 1, how much shorter and quicker the left leg's step is than the right one's.
        seed: Of the body and its habits.
    """
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * (np.arange(frames) / period + 0.1)
    across, above, ahead = np.zeros((3, frames, skeleton.num_joints))
    hops = skeleton.hops()
    hips = (np.array(skeleton.hips) == np.arange(skeleton.num_joints)[:, None]).any(axis=1)
    for part, joints in skeleton.parts.items():
        side = -1.0 if part.startswith("left") else float(part.startswith("right"))
        leg = part.endswith("leg")
        swinging = phase + (np.pi if (side < 0) != leg else 0.0) + limp * np.sin(phase)
        reach = np.array([hops[joints[0], joint] for joint in joints])
        for number, (joint, far) in enumerate(zip(joints, reach, strict=True)):
            swing = (0.45 - 0.2 * limp * (side < 0)) if leg else 0.25
            lag = 0.3 * far + rng.normal(0, 0.1)
            ahead[:, joint] = swing * far / 2 * np.sin(swinging - lag) if side else 0.03 * np.cos(2 * phase + joint)
            bob = 0.02 * np.sin(2 * phase + joint)
            if leg:
                above[:, joint] = 0.9 - 0.42 * far + bob + 0.06 * far * np.cos(swinging - lag)
                across[:, joint] = side * 0.1 + 0.02 * np.sin(phase)
                ahead[:, joint] += side * 0.02 * np.cos(phase) * (far == 0)  # the pelvis turns
            elif side:
                above[:, joint] = 1.4 - 0.28 * far + bob
                across[:, joint] = side * 0.2 + 0.02 * np.sin(phase)
            else:
                above[:, joint] = 0.95 + 0.15 * number + bob
                across[:, joint] = 0.03 * rng.normal() + 0.02 * np.sin(phase)
    across[:, ~hips] += rng.normal(0, 0.01, np.count_nonzero(~hips))
    facing = np.cross(-np.eye(3)[skeleton.lateral], np.eye(3)[skeleton.up])
    axes = np.eye(3)[[skeleton.lateral, skeleton.up]]
    ahead += speed * np.arange(frames)[:, None]
    return across[..., None] * axes[0] + above[..., None] * axes[1] + ahead[..., None] * facing


def turned(positions: np.ndarray, axis: np.ndarray, angle: float) -> np.ndarray:
    """Turn by ``angle`` radians about ``axis`` (Rodrigues' formula)."""
    axis = axis / np.linalg.norm(axis)
    along = (positions @ axis)[..., None] * axis
    return along + np.cos(angle) * (positions - along) + np.sin(angle) * np.cross(axis, positions)

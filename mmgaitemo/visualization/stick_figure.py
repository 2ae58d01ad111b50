"""One body in one frame as a stick figure, and the letters beside it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from mmgaitemo.skeleton import Skeleton
from mmgaitemo.visualization.style import INK, PART_COLOURS, TEXT


def joint_parts(skeleton: Skeleton) -> list[str]:
    """The part of each joint."""
    part_of = {joint: part for part, joints in skeleton.parts.items() for joint in joints}
    return [part_of[joint] for joint in range(skeleton.num_joints)]


def head_joint(skeleton: Skeleton) -> int | None:
    """The joint drawn as a head; layouts with eyes and ears show their head themselves and have none."""
    leaves = set(skeleton.parts["trunk"]) - set(skeleton.parents)
    return leaves.pop() if len(leaves) == 1 else None


def draw_figure(axes: Axes, points: np.ndarray, seen: np.ndarray, skeleton: Skeleton, *, width: float) -> None:
    """Draw a body.

    Args:
        axes: With one scale for both directions.
        points: (V, 3): right and up in data units of ``axes``, and depth towards the viewer.
        seen: (V,) bool: joints to draw; a bone needs both of its ends.
        skeleton: The layout.
        width: Of the bones, in points.
    """
    colours = [np.array(to_rgb(PART_COLOURS[part])) for part in joint_parts(skeleton)]
    flat, depth = points[:, :2], points[:, 2]
    bones = [bone for bone in skeleton.edges if seen[list(bone)].all()]
    bones.sort(key=lambda bone: depth[list(bone)].sum())  # far ones first
    # A white rim under each bone shows which of two crossing limbs is in front; it ends short of the joints, where
    # the next bone goes on.
    shorter = np.array([[0.85, 0.15], [0.15, 0.85]])
    lines = [line for bone in bones for line in (shorter @ flat[list(bone)], flat[list(bone)])]
    rims = [shade for child, _ in bones for shade in (np.ones(3), colours[child])]
    widths = [1.8 * width, width] * len(bones)
    axes.add_collection(LineCollection(lines, colors=rims, linewidths=widths, capstyle="round", zorder=2))
    joints = np.flatnonzero(seen)
    joints = joints[np.argsort(depth[joints], kind="stable")]
    sizes = [9.3 * width**2 if joint == head_joint(skeleton) else 1.85 * width**2 for joint in joints]
    shades = [colours[joint] for joint in joints]
    axes.scatter(flat[joints, 0], flat[joints, 1], s=sizes, c=shades, linewidths=0, zorder=3)


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float = TEXT,
    color: str = INK,
    weight: str = "normal",
    ha: str = "left",
) -> None:
    """Write a line of text, as it is: an id may hold dollar signs, which Matplotlib takes for formulas."""
    axes.text(x, y, text, size=size, color=color, weight=weight, ha=ha, va="baseline", parse_math=False)


def shortened(text: str, letters: int) -> str:
    """``text`` in a line, its middle left out beyond ``letters``: names of files differ at either end."""
    text = " ".join(text.split())
    if len(text) <= letters:
        return text
    half = max(letters - 1, 0) // 2
    return f"{text[:half]}…{text[len(text) - half :]}"

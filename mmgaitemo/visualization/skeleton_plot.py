"""Stick figures: the views of one gait as a strip, a row per view and a column per frame."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import FIVE_PARTS, Skeleton
from mmgaitemo.visualization.stick_figure import draw_figure
from mmgaitemo.visualization.style import (
    GHOST,
    INK,
    MUTED,
    PANEL,
    PART_COLOURS,
    SMALL,
    TEXT,
    WIDTH,
    finite,
    new_figure,
    save,
    title_size,
)

AZIMUTH, ELEVATION = np.radians(52.0), np.radians(10.0)
_LABEL, _MARGIN, _HEADER, _FOOTER = 1.95, 0.15, 0.5, 0.45  # inches: row labels, outer edge, title, legend
_TALLEST = 1.45  # inches, of a row's figures
_CAPTION, _GAP = 0.2, 0.24  # inches: the line below a figure, and what keeps rows apart
_LINE = 0.165  # inches, of the row labels
_AIR = 0.12  # empty part of a panel around its figure


def view_rotation(skeleton: Skeleton) -> np.ndarray:
    """(3, 3) rotation of coordinates into (right, up, towards the viewer) of a three-quarter front view.

    Seen are bodies whose left is on the negative lateral axis, as ``AlignHeading`` turns them: they walk to the right.
    """
    lateral, up = np.eye(3)[skeleton.lateral], np.eye(3)[skeleton.up]
    body = np.stack([lateral, up, np.cross(lateral, up)])  # right-handed, so that the picture is no mirror image
    cos, sin = np.cos(AZIMUTH), np.sin(AZIMUTH)
    turn = np.array([[-cos, 0, -sin], [0, 1, 0], [sin, 0, -cos]])
    cos, sin = np.cos(ELEVATION), np.sin(ELEVATION)
    tilt = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return tilt @ turn @ body


def visible_joints(pose: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(V,) bool: which joints of ``pose`` (V, 3) are not masked.

    A mask sets joints to exactly zero. The root and the centre may stand at the origin of their own accord: they count
    as masked only together with the rest of their part.
    """
    seen = (pose != 0).any(axis=-1)
    result = seen.copy()
    for joint in {skeleton.root, *skeleton.centre}:
        part = next(joints for joints in skeleton.parts.values() if joint in joints)
        mates = [mate for mate in part if mate != joint]
        result[joint] = seen[mates].any() if mates else seen.any()
    return result


def visible_bones(pose: np.ndarray, skeleton: Skeleton) -> list[tuple[int, int]]:
    """Bones (child, parent) of ``pose`` (V, 3) with both ends visible."""
    seen = visible_joints(pose, skeleton)
    return [(child, parent) for child, parent in skeleton.edges if seen[child] and seen[parent]]


def removed_frames(view: np.ndarray) -> np.ndarray:
    """(T,) bool: frames of ``view`` (T, V, 3) in which every joint is zero."""
    return np.all(view == 0, axis=(1, 2))


def masked_parts(view: np.ndarray, skeleton: Skeleton) -> list[str]:
    """Parts of which no joint is visible in any frame of ``view`` (T, V, 3) that was not removed."""
    left = view[~removed_frames(view)]
    if not len(left):
        return []
    seen = np.any([visible_joints(pose, skeleton) for pose in left], axis=0)
    return [part for part in FIVE_PARTS if not seen[list(skeleton.parts[part])].any()]


def draw_views(
    path: str | Path,
    views: Mapping[str, np.ndarray],
    skeleton: Skeleton,
    frames: int = 6,
    title: str = "",
    reference: np.ndarray | None = None,
) -> Path:
    """Draw a strip of stick figures per view, all in one scale.

    Args:
        path: The PNG file to write.
        views: Name -> (T, V, 3). Lines of the name after the first are printed small. T may differ between views.
        skeleton: The joint layout of all views.
        frames: Number of evenly spaced frames, from the first to the last.
        title: Printed above.
        reference: (T, V, 3), best the view before its mask, else another unmasked view: its bones are drawn in light
            grey where a view of the same length lacks them.

    Returns:
        ``path``.

    Raises:
        ConfigError: No view, or fewer than one frame asked for.
        DataError: A view is not (T, V, 3) of this skeleton or not finite, or no view shows anything.
    """
    if not views:
        raise ConfigError("draw_views: views", "no view to draw", found="an empty dict", remedy="pass at least one")
    if frames < 1:
        raise ConfigError("draw_views: frames", "at least one frame", found=frames, remedy="ask for one or more")
    arrays = {name: _checked(f"draw_views: view {name!r}", view, skeleton) for name, view in views.items()}
    ghost = None if reference is None else _checked("draw_views: reference", reference, skeleton)
    if not any(view.any() for view in arrays.values()):
        raise DataError(
            "draw_views: views", "every joint of every view is zero", remedy="pass a view that shows a body"
        )
    rows = [_Row(name, view, skeleton, frames, ghost) for name, view in arrays.items()]
    panel = (WIDTH - _LABEL - _MARGIN) / frames
    widest, tallest = (max(row.size[axis] for row in rows) for axis in (0, 1))
    # A size of 0: all drawn frames are removed, or show a single point.
    scale = min(
        [(1 - _AIR) * room / size for room, size in ((panel, widest), (_TALLEST, tallest)) if size > 0], default=1
    )
    heights = [max(scale * row.size[1] + _CAPTION, _LINE * len(row.label)) + _GAP for row in rows]
    header = _HEADER if title else _MARGIN
    total = header + sum(heights) + _FOOTER
    figure = new_figure(WIDTH, total)
    if title:
        size = title_size(title, WIDTH - 2 * _MARGIN)
        figure.text(_MARGIN / WIDTH, 1 - _MARGIN / total, title, size=size, weight="bold", color=INK, va="top")
    bottom = total - header
    for row, height in zip(rows, heights, strict=True):
        bottom -= height
        axes = figure.add_axes((0, bottom / total, 1, height / total), xlim=(0, WIDTH), ylim=(0, height))
        axes.set_axis_off()
        row.draw(axes, panel, height, scale)
        axes.axhline(height, color=PANEL, lw=1, xmin=_MARGIN / WIDTH, xmax=1 - _MARGIN / WIDTH)
    _legend(figure, any(row.has_ghost for row in rows))
    return save(figure, path)


class _Row:
    """One view, projected: what there is to draw and how much room it takes."""

    def __init__(self, name: str, view: np.ndarray, skeleton: Skeleton, frames: int, ghost: np.ndarray | None) -> None:
        self.name, self.view, self.skeleton = name, view, skeleton
        self.chosen = np.unique(np.linspace(0, len(view) - 1, frames).round().astype(int))
        rotation = view_rotation(skeleton)
        self.points = view @ rotation.T
        self.label = self._label()
        self.bones = {t: visible_bones(view[t], skeleton) for t in self.chosen}
        self.ghost_bones: dict[int, list[tuple[int, int]]] = {t: [] for t in self.chosen}
        if ghost is not None and len(ghost) == len(view):
            self.ghost_points = ghost @ rotation.T
            for t in self.chosen[~removed_frames(view)[self.chosen]]:
                self.ghost_bones[t] = [bone for bone in visible_bones(ghost[t], skeleton) if bone not in self.bones[t]]
        drawn = [self.points[t, visible_joints(view[t], skeleton), :2] for t in self.chosen]
        drawn += [self.ghost_points[t, list(bone), :2] for t, bones in self.ghost_bones.items() for bone in bones]
        every = np.concatenate([*drawn, np.zeros((0, 2))])
        low, high = (every.min(axis=0), every.max(axis=0)) if len(every) else (np.zeros(2), np.zeros(2))
        self.size, self.middle = high - low, (high + low) / 2

    @property
    def has_ghost(self) -> bool:
        return any(self.ghost_bones.values())

    def draw(self, axes: Axes, panel: float, height: float, scale: float) -> None:
        """Draw label and figures; axes in inches, a figure gets ``panel`` x ``height`` at ``scale`` per unit."""
        self._draw_label(axes, height)
        removed = removed_frames(self.view)
        for column, t in enumerate(self.chosen):
            left = _LABEL + column * panel
            centre = np.array([left + panel / 2, (height + _CAPTION) / 2])
            axes.text(centre[0], 0.08, f"frame {t + 1}", size=SMALL, color=MUTED, ha="center", va="bottom")
            if removed[t]:
                corner, width = (left + 0.06, 0.06 + _CAPTION), panel - 0.12
                axes.add_patch(Rectangle(corner, width, height - _CAPTION - 0.12, color=PANEL, zorder=0))
                axes.text(centre[0], centre[1], "frame\nremoved", size=SMALL, color=MUTED, ha="center", va="center")
                continue
            place = centre - scale * self.middle
            if self.ghost_bones[t]:
                lines = [self.ghost_points[t, list(bone), :2] * scale + place for bone in self.ghost_bones[t]]
                axes.add_collection(LineCollection(lines, colors=GHOST, linewidths=1.0, capstyle="round", zorder=1))
            pose = self.points[t] * scale + [*place, 0]
            draw_figure(axes, pose, visible_joints(self.view[t], self.skeleton), self.skeleton, width=2.2)

    def _label(self) -> list[tuple[str, bool]]:
        """Lines of the row's label, and whether they are headings."""
        heading, *notes = self.name.split("\n")
        if parts := masked_parts(self.view, self.skeleton):
            notes.append(f"masked: {', '.join(parts).replace('_', ' ')}")
        if count := np.count_nonzero(removed_frames(self.view)):
            notes.append(f"{count} of {len(self.view)} frames removed")
        lines = [(line, True) for line in textwrap.wrap(heading, 22)]
        return lines + [(line, False) for note in notes for line in textwrap.wrap(note, 29)]

    def _draw_label(self, axes: Axes, height: float) -> None:
        top = (height + _CAPTION + _LINE * len(self.label)) / 2
        for number, (line, heading) in enumerate(self.label):
            size, weight, colour = (TEXT, "bold", INK) if heading else (SMALL, "normal", MUTED)
            axes.text(_MARGIN, top - _LINE * (number + 1), line, size=size, weight=weight, color=colour, va="baseline")


def _legend(figure: Figure, ghost: bool) -> None:
    handles = [Line2D([], [], color=PART_COLOURS[part], lw=3, label=part.replace("_", " ")) for part in FIVE_PARTS]
    if ghost:
        handles.append(Line2D([], [], color=GHOST, lw=1.5, label="masked (reference)"))
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
        handlelength=1.4,
        columnspacing=1.6,
    )


def _checked(where: str, view: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    array = finite(where, view)
    if array.ndim != 3 or array.shape[1:] != (skeleton.num_joints, 3) or not len(array):
        raise DataError(
            where,
            f"the layout {skeleton.name!r} needs (T, {skeleton.num_joints}, 3) with at least one frame",
            found=array.shape,
            remedy="name the layout that the data is in, or transpose it",
        )
    return array

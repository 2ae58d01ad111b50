"""A contact sheet: many walks on one picture, each as a strip of poses from the first frame to the last."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mmgaitemo.errors import ConfigError
from mmgaitemo.motion.cycles import find_cycles
from mmgaitemo.skeleton import FIVE_PARTS, Skeleton
from mmgaitemo.visualization.skeleton_plot import masked_parts, removed_frames, visible_joints
from mmgaitemo.visualization.stick_figure import draw_figure, shortened, write
from mmgaitemo.visualization.style import (
    INK,
    MUTED,
    PANEL,
    PART_COLOURS,
    SMALL,
    TEXT,
    WIDTH,
    new_figure,
    save,
    title_size,
)
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet, camera

LARGEST = 60  # walks; more make a picture that no viewer shows well
_COLUMNS = 3
_POSES = 5
_MARGIN, _HEADER, _LEGEND = 0.15, 0.5, 0.4  # inches: outer edge, title, legend
_STRIP, _LINE, _GAP = 1.25, 0.17, 0.14  # inches: the poses, a line of text, what keeps rows apart
_BOLD, _PLAIN = 10.4, 16.0  # letters to an inch, of TEXT in bold and of SMALL
_GONE = "\N{MULTIPLICATION SIGN}"  # stands for a removed frame
_BEYOND = 1.5  # walks so many times as large as the median get a scale of their own


def draw_contact_sheet(path: str | Path, walks: WalkSet) -> Path:
    """Draw every walk as a strip of evenly spaced poses, its facts above; all views of a walk stand side by side.

    Walks have one scale, except those far larger than the others, which say theirs. Bodies are kept in place: a
    strip shows poses, not the way travelled.

    Args:
        path: The PNG file to write.
        walks: At most 60.

    Returns:
        ``path``.

    Raises:
        ConfigError: There are more walks, or ``path`` is no PNG file.
    """
    if len(walks.walks) > LARGEST:
        raise ConfigError(
            "contact sheet",
            f"takes at most {LARGEST} walks",
            found=len(walks.walks),
            remedy="choose fewer, make several sheets with other seeds, or write an .html page",
        )
    views = len(walks.view_names)
    columns = max(_COLUMNS // views, 1)
    cell = (WIDTH - _MARGIN) / columns
    strips = [_Strip(walk, walks) for walk in walks.walks]
    heights = [strip.height for strip in strips]
    usual = min(max(heights), _BEYOND * float(np.median(heights)))
    # A walk with several views has room for its facts beside its id.
    lines = (1 if views > 1 else 2) + max(
        len(note) for strip in strips for note in strip.notes(usual, cell / views - _MARGIN)
    )
    row = lines * _LINE + _STRIP + _GAP
    about = {"Source": walks.source, "Licence": walks.licence, "Class names": walks.class_note}
    footer = [line for name, text in about.items() if text for line in _wrapped(f"{name}: {text}", WIDTH - 2 * _MARGIN)]
    header = _HEADER + (_LINE if views > 1 else 0)
    total = header + -(-len(strips) // columns) * row + _LEGEND + _LINE * len(footer) + _MARGIN / 2
    figure = new_figure(WIDTH, total)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, total))
    axes.set_axis_off()
    size = title_size(walks.title, WIDTH - 2 * _MARGIN)
    write(axes, _MARGIN, total - _HEADER + 0.16, walks.title, size=size, weight="bold")
    for number, name in enumerate(walks.view_names if views > 1 else []):
        write(axes, _MARGIN + number * cell / views, total - header + 0.06, name, color=MUTED)
    for number, strip in enumerate(strips):
        top = total - header - (number // columns) * row
        if number % columns == 0:
            axes.plot([_MARGIN, WIDTH - _MARGIN], [top, top], color=PANEL, lw=1)
        strip.draw(axes, _MARGIN + (number % columns) * cell, top, cell - _MARGIN, lines, usual)
    for number, line in enumerate(reversed(footer)):
        write(axes, _MARGIN, _MARGIN / 2 + _LINE * number, line, size=SMALL, color=MUTED)
    handles = [Line2D([], [], color=PART_COLOURS[part], lw=3, label=part.replace("_", " ")) for part in FIVE_PARTS]
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, (_MARGIN / 2 + _LINE * len(footer)) / total),
        ncols=len(handles),
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
    )
    return save(figure, path)


class _Strip:
    """One walk, projected: what there is to draw and how large it is."""

    def __init__(self, walk: ShownWalk, walks: WalkSet) -> None:
        self.walk, self.walks = walk, walks
        eye = camera(walk, walks.skeleton)
        chosen = _poses(walk, walks.skeleton)
        self.points = {name: eye.followed(name, view)[chosen] for name, view in walk.views.items()}
        self.seen = {
            name: np.array([visible_joints(pose, walks.skeleton) for pose in view[chosen]])
            for name, view in walk.views.items()
        }
        heights = np.concatenate([self.points[name][self.seen[name]][:, 1] for name in walk.views])
        self.low, high = (float(heights.min()), float(heights.max())) if len(heights) else (0.0, 0.0)
        self.height = high - self.low or 1.0

    def notes(self, usual: float, width: float) -> list[list[str]]:
        """What has to be said about each view, in lines of ``width`` inches."""
        scale = f"drawn {usual / self.height:.2g} times as large as the others" if self.height > usual else ""
        notes = []
        for view in self.walk.views.values():
            parts = ", ".join(masked_parts(view, self.walks.skeleton)).replace("_", " ")
            removed = np.count_nonzero(removed_frames(view))
            facts = [
                scale,
                parts and f"masked: {parts}",
                removed and f"{removed} of {len(view)} frames removed ({_GONE})",
            ]
            notes.append([line for fact in facts if fact for line in _wrapped(str(fact), width)])
        return notes

    def draw(self, axes: Axes, left: float, top: float, width: float, lines: int, usual: float) -> None:
        """Draw text and poses; ``axes`` in inches, a pose of height ``usual`` fills the strip."""
        views, facts = len(self.points), self.walks.facts(self.walk)
        beside = views > 1
        room = width - len(facts) / _PLAIN if beside else width
        write(axes, left, top - _LINE, shortened(self.walk.id, int(room * _BOLD)), weight="bold")
        if beside:
            write(axes, left + width, top - _LINE, facts, size=SMALL, color=MUTED, ha="right")
        else:
            write(axes, left, top - 2 * _LINE, shortened(facts, int(width * _PLAIN)), size=SMALL, color=MUTED)
        bottom, scale = top - lines * _LINE - _STRIP, 0.94 * _STRIP / max(self.height, usual)
        part = (width + _MARGIN) / views
        notes = self.notes(usual, part - _MARGIN)
        for column, (name, points) in enumerate(self.points.items()):
            start = left + column * part
            for number, line in enumerate(notes[column], 2 if beside else 3):
                write(axes, start, top - number * _LINE, line, size=SMALL, color=MUTED)
            step = (part - _MARGIN) / _POSES
            for number, (pose, seen) in enumerate(zip(points, self.seen[name], strict=True)):
                middle = start + (number + 0.5) * step
                if seen.any():
                    place = [middle, bottom - scale * self.low, 0]
                    draw_figure(axes, scale * pose + place, seen, self.walks.skeleton, width=1.5)
                else:
                    write(axes, middle, bottom + _STRIP / 2, _GONE, color=MUTED, ha="center")


def _wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, max(int(width * _PLAIN), 1))


def _poses(walk: ShownWalk, skeleton: Skeleton) -> np.ndarray:
    """Frames to draw: spread over the first gait cycle, or over a walk in which none is found or that has views.

    Spread over a long recording they would beat with the steps: every pose alike, or mid-swing only.
    """
    first, last = 0, walk.frames - 1
    if len(walk.views) == 1:
        starts = find_cycles(next(iter(walk.views.values())), skeleton, "xyz"[skeleton.up]).starts
        first, last = (int(starts[0]), int(starts[1])) if len(starts) else (first, last)
    return np.unique(np.linspace(first, min(last, walk.frames - 1), _POSES).round().astype(int))

"""All methods of a study by protocol: mean, interval and the single folds."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mmgaitemo.visualization.study_frame import EDGE, Frame
from mmgaitemo.visualization.style import (
    BLUE,
    GHOST,
    INK,
    MUTED,
    ORANGE,
    SMALL,
    TEXT,
    VERMILLION,
    WIDTH,
    plain_axes,
    save,
)

_COLUMNS = 3
_NAMES, _ROW, _HEAD, _AXIS, _GAP = 1.75, 0.4, 0.35, 0.5, 0.22  # inches


INCOMPLETE = "hollow: runs are missing"


@dataclass(frozen=True)
class Dots:
    """One method by one protocol, as shares.

    Attributes:
        mean: Of the accuracy.
        low: Lower end of its interval, or None.
        high: Upper end, or None.
        folds: Accuracy of each fold, the mean over seeds.
        seeds: Number of seeds.
        complete: Whether no run is missing; means of other runs are not to be compared without a mark.
    """

    mean: float
    low: float | None
    high: float | None
    folds: Sequence[float]
    seeds: int
    complete: bool


def draw_dots(
    path: str | Path,
    panels: Mapping[str, Mapping[str, Dots]],
    methods: Sequence[str],
    reference: str,
    majority: float,
    title: str,
    note: str,
) -> Path:
    """Draw a panel per protocol with a row per method.

    Args:
        path: The PNG file to write.
        panels: Title of the protocol -> title of the method -> its scores; methods without the protocol are absent.
        methods: Titles of the rows, from above.
        reference: The method whose mean is drawn through each panel.
        majority: Accuracy of always naming the most frequent class.
        title: Printed above.
        note: Printed below: which data these are.

    Returns:
        ``path``.
    """
    shown = [name for name in methods if any(name in rows for rows in panels.values())]
    columns = min(_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    inner = _ROW * len(shown)
    cell = _HEAD + inner + _AXIS
    width = (WIDTH - 2 * EDGE - _NAMES - _GAP * (columns - 1)) / columns
    every = [dots for rows in panels.values() for dots in rows.values()]
    folds = "single folds" + (" (mean over seeds)" if any(dots.seeds > 1 for dots in every) else "")
    intervals = "" if all(dots.low is None for dots in every) else " with 95 % interval"
    stroke = 1.6 if intervals else 0
    handles = {
        f"mean{intervals}": Line2D([], [], color=BLUE, marker="o", markersize=6, linewidth=stroke),
        folds: Line2D([], [], color=ORANGE, marker="o", markersize=3.5, linestyle=""),
        f"most frequent class {majority:.3f}": Line2D([], [], color=VERMILLION, linestyle=":", linewidth=1.4),
    }
    if any(reference in rows for rows in panels.values()):
        handles[f"mean of: {reference}"] = Line2D([], [], color=MUTED, linestyle="--", linewidth=1.1)
    if not all(dots.complete for dots in every):
        handles[INCOMPLETE] = Line2D(
            [], [], color=BLUE, marker="o", markersize=6, linestyle="", markerfacecolor="white"
        )
    frame = Frame(lines * cell, title, note, len(handles), columns=2)
    first: Axes | None = None
    for index, (protocol, rows) in enumerate(panels.items()):
        line, column = divmod(index, columns)
        left = EDGE + _NAMES + column * (width + _GAP)
        axes = frame.axes(left, frame.height - line * cell - _HEAD - inner, width, inner)
        first = first or axes
        axes.sharex(first)
        _draw_panel(axes, rows, shown, reference, majority)
        title = textwrap.fill(textwrap.shorten(protocol, 42, placeholder="..."), 27)
        axes.set_title(title, size=TEXT, color=INK, loc="left")
        axes.set_xlabel("accuracy", size=SMALL, color=MUTED)
        names = [textwrap.fill(textwrap.shorten(name, 44, placeholder="..."), 24) for name in shown]
        axes.set_yticks(range(len(shown)), names if column == 0 else [], size=SMALL, color=INK, va="center")
        axes.tick_params(axis="y", length=0)
    frame.legend(handles.values(), handles)
    return save(frame.figure, path)


def _draw_panel(axes: Axes, rows: Mapping[str, Dots], methods: Sequence[str], reference: str, majority: float) -> None:
    plain_axes(axes)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.grid(axis="x", color=GHOST, linewidth=0.5, alpha=0.6)
    axes.axvline(majority, color=VERMILLION, linestyle=":", linewidth=1.4)
    if reference in rows:
        axes.axvline(rows[reference].mean, color=MUTED, linestyle="--", linewidth=1.1)
    for place, method in enumerate(methods):
        if method not in rows:
            axes.text(0.02, place, "-", color=MUTED, size=TEXT, va="center", transform=axes.get_yaxis_transform())
            continue
        dots = rows[method]
        # The folds stand under the mean, so that neither hides the other.
        axes.plot(dots.folds, [place + 0.3] * len(dots.folds), "o", color=ORANGE, markersize=3.5, alpha=0.9, mew=0)
        if dots.low is not None and dots.high is not None:
            axes.plot([dots.low, dots.high], [place] * 2, color=BLUE, linewidth=1.6, solid_capstyle="butt")
        axes.plot(dots.mean, place, "o", color=BLUE, markersize=6, markerfacecolor=BLUE if dots.complete else "white")

"""How the encoders of a study were trained: a panel per method, mean and spread over its runs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from mmgaitemo.visualization.study_frame import EDGE, Frame
from mmgaitemo.visualization.style import BLUE, GHOST, INK, MUTED, SKY, SMALL, TEXT, WIDTH, plain_axes, save

_COLUMNS = 3
_RATIO = 3  # of ranges, up to which panels share a y axis
_LEFT, _HEAD, _AXIS, _PANEL = 0.55, 0.35, 0.5, 1.5  # inches


def mean_and_spread(curves: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and standard deviation over curves, on the points of all of them where every one is known.

    Args:
        curves: Each (n, 2), n >= 1, sorted by its first column; the second is interpolated between its points.

    Returns:
        (m,) places, (m,) means, (m,) standard deviations (0 for one curve).
    """
    low, high = max(curve[0, 0] for curve in curves), min(curve[-1, 0] for curve in curves)
    every = np.unique(np.concatenate([curve[:, 0] for curve in curves]))
    x = every[(every >= low) & (every <= high)]
    values = np.array([np.interp(x, curve[:, 0], curve[:, 1]) for curve in curves])
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(x))
    return x, values.mean(axis=0), spread


def draw_study_curves(
    path: str | Path,
    curves: Mapping[str, Sequence[np.ndarray]],
    xlabel: str,
    ylabel: str,
    title: str,
    note: str,
) -> Path:
    """Draw a panel per method. All have one y axis, unless some would then be flat; the note says which.

    Args:
        path: The PNG file to write.
        curves: Title of the method -> its curves, as ``mean_and_spread`` takes them.
        xlabel: What x is, with its unit.
        ylabel: What y is.
        title: Printed above.
        note: Printed below: which data these are.

    Returns:
        ``path``.
    """
    columns = min(_COLUMNS, len(curves))
    cell = _HEAD + _PANEL + _AXIS
    width = (WIDTH - 2 * EDGE) / columns
    drawn = {name: mean_and_spread(runs) for name, runs in curves.items()}
    same_height = _same_height([(mean - spread, mean + spread) for _, mean, spread in drawn.values()])
    note += "" if same_height else ". Each panel has a y axis of its own."
    handles: dict[str, Artist] = {"single run": Line2D([], [], color=BLUE, linewidth=1.6)}
    if any(len(runs) > 1 for runs in curves.values()):
        spread_patch = Patch(color=SKY, alpha=0.35, linewidth=0)
        handles = {"mean over the runs": handles["single run"], "+- standard deviation": spread_patch}
    frame = Frame(-(-len(curves) // columns) * cell, title, note, len(handles), columns=2)
    first: Axes | None = None
    for index, (name, runs) in enumerate(curves.items()):
        line, column = divmod(index, columns)
        bottom = frame.height - line * cell - _HEAD - _PANEL
        axes = frame.axes(EDGE + column * width + _LEFT, bottom, width - _LEFT - 0.12, _PANEL)
        first = first or axes
        if same_height:
            axes.sharey(first)
        x, mean, spread = drawn[name]
        plain_axes(axes)
        axes.grid(axis="y", color=GHOST, linewidth=0.5, alpha=0.6)
        axes.fill_between(x, mean - spread, mean + spread, color=SKY, alpha=0.35, linewidth=0)
        axes.plot(x, mean, color=BLUE, linewidth=1.6, marker="o" if len(x) == 1 else None)
        short = textwrap.shorten(name, 27 if columns > 1 else 90, placeholder="...")
        text = f"{short} ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        axes.set_title(text, size=SMALL if columns > 1 else TEXT, color=INK, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))  # steps, epochs
        axes.set_xlabel(xlabel, size=SMALL, color=MUTED)
        if column == 0:
            axes.set_ylabel(ylabel, size=SMALL, color=MUTED)
    frame.legend(handles.values(), handles)
    return save(frame.figure, path)


def _same_height(bands: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Whether the largest range is at most ``_RATIO`` times the smallest; single points have none."""
    ranges = [float(high.max() - low.min()) for low, high in bands]
    wide = [size for size in ranges if size > 0]
    return not wide or max(wide) <= _RATIO * min(wide)

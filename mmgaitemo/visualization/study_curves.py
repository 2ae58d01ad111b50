"""How the encoders of a study were trained: a panel per method, mean and spread over its runs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mmgaitemo.visualization.study_frame import EDGE, Frame
from mmgaitemo.visualization.style import BLUE, GHOST, INK, MUTED, SKY, SMALL, TEXT, WIDTH, plain_axes, save

_COLUMNS = 3
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
    same_height: bool,
    title: str,
    note: str,
) -> Path:
    """Draw a panel per method.

    Args:
        path: The PNG file to write.
        curves: Title of the method -> its curves, as ``mean_and_spread`` takes them.
        xlabel: What x is, with its unit.
        ylabel: What y is.
        same_height: Give all panels one y axis: accuracies can be compared, losses of different methods can not.
        title: Printed above.
        note: Printed below: which data these are.

    Returns:
        ``path``.
    """
    columns = min(_COLUMNS, len(curves))
    cell = _HEAD + _PANEL + _AXIS
    width = (WIDTH - 2 * EDGE) / columns
    handles = {
        "mean over the runs": Line2D([], [], color=BLUE, linewidth=1.6),
        "+- standard deviation": Patch(color=SKY, alpha=0.35, linewidth=0),
    }
    frame = Frame(-(-len(curves) // columns) * cell, title, note, len(handles), columns=2)
    first: Axes | None = None
    for index, (name, runs) in enumerate(curves.items()):
        line, column = divmod(index, columns)
        bottom = frame.height - line * cell - _HEAD - _PANEL
        axes = frame.axes(EDGE + column * width + _LEFT, bottom, width - _LEFT - 0.12, _PANEL)
        first = first or axes
        if same_height:
            axes.sharey(first)
        x, mean, spread = mean_and_spread(runs)
        plain_axes(axes)
        axes.grid(axis="y", color=GHOST, linewidth=0.5, alpha=0.6)
        axes.fill_between(x, mean - spread, mean + spread, color=SKY, alpha=0.35, linewidth=0)
        axes.plot(x, mean, color=BLUE, linewidth=1.6, marker="o" if len(x) == 1 else None)
        short = textwrap.shorten(name, 27 if columns > 1 else 90, placeholder="...")
        text = f"{short} ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        axes.set_title(text, size=TEXT, color=INK, loc="left")
        axes.set_xlabel(xlabel, size=SMALL, color=MUTED)
        if column == 0:
            axes.set_ylabel(ylabel, size=SMALL, color=MUTED)
    frame.legend(handles.values(), handles)
    return save(frame.figure, path)

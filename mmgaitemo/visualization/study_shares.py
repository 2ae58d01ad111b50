"""Accuracy against the share of labels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from mmgaitemo.visualization.study_dots import INCOMPLETE, Dots
from mmgaitemo.visualization.study_frame import EDGE, Frame, Look, looks
from mmgaitemo.visualization.style import GHOST, INK, MUTED, SMALL, TEXT, WIDTH, plain_axes, save

_LEFT, _AXIS, _HEAD, _GAP, _HEIGHT = 0.5, 0.5, 0.35, 0.3, 3.0  # inches
_LEAST_SPAN = 0.1  # of accuracy, which the means are given where they are closer
_STEP = 0.035  # methods stand so far beside each other, as a factor of the share, that their intervals can be seen


def draw_shares(
    path: str | Path,
    panels: Mapping[str, Mapping[str, Mapping[float, Dots]]],
    methods: Sequence[str],
    majority: float,
    title: str,
    note: str,
) -> Path:
    """Draw a panel per way to use the labels, a line per method; the share has a logarithmic axis.

    Args:
        path: The PNG file to write.
        panels: Name of the panel -> title of the method -> share of the labels in percent, (0, 100] -> its scores.
        methods: Titles of all methods, in order.
        majority: Accuracy of always naming the most frequent class.
        title: Printed above.
        note: Printed below: which data these are.

    Returns:
        ``path``.
    """
    shown = [name for name in methods if any(name in lines for lines in panels.values())]
    look = looks(shown)
    handles = [Line2D([], [], **_style(look[name])) for name in shown]
    legend = [textwrap.shorten(name, 60, placeholder="...") for name in shown]
    handles.append(Line2D([], [], color=MUTED, linestyle=":", linewidth=1.4))
    legend.append(f"most frequent class {majority:.3f}")
    every = [dots for lines in panels.values() for line in lines.values() for dots in line.values()]
    if not all(dots.complete for dots in every):
        handles.append(Line2D([], [], color=MUTED, marker="o", markersize=5, linestyle="", markerfacecolor="white"))
        legend.append(INCOMPLETE)
    low, high, cut = limits(every, majority)
    note += ". Some intervals go on outside the picture." if cut else ""
    frame = Frame(_HEAD + _HEIGHT + _AXIS, title, note, len(legend), columns=3 if max(map(len, legend)) < 32 else 2)
    intervals = "" if all(dots.low is None for dots in every) else ", mean with 95 % interval"
    width = (WIDTH - 2 * EDGE - _LEFT - _GAP * (len(panels) - 1)) / len(panels)
    first: Axes | None = None
    for column, (name, lines) in enumerate(panels.items()):
        axes = frame.axes(EDGE + _LEFT + column * (width + _GAP), _AXIS, width, _HEIGHT)
        plain_axes(axes)
        if first is None:
            first = axes
            axes.set_ylim(low, high)
            axes.set_ylabel(f"accuracy{intervals}", size=SMALL, color=MUTED)
        else:
            axes.sharey(first)
            axes.tick_params(axis="y", labelleft=False)
        axes.grid(axis="y", color=GHOST, linewidth=0.5, alpha=0.6)
        axes.set_xscale("log")
        axes.axhline(majority, color=MUTED, linestyle=":", linewidth=1.4)
        present = [method for method in shown if method in lines]
        for place, method in enumerate(present):
            _draw_line(axes, lines[method], look[method], (1 + _STEP) ** (place - (len(present) - 1) / 2))
        shares = sorted({share for line in lines.values() for share in line})
        axes.set_xticks(shares, [f"{share:g}" for share in shares])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("share of the labels, %", size=SMALL, color=MUTED)
        axes.set_title(textwrap.shorten(name, 60, placeholder="..."), size=TEXT, color=INK, loc="left")
    frame.legend(handles, legend)
    return save(frame.figure, path)


def _draw_line(axes: Axes, line: Mapping[float, Dots], look: Look, factor: float) -> None:
    shares = sorted(line)
    x = np.array(shares) * factor
    axes.plot(x, [line[share].mean for share in shares], **_style(look))
    for at, share in zip(x, shares, strict=True):
        dots = line[share]
        if not dots.complete:
            axes.plot(at, dots.mean, **_style(look), markerfacecolor="white")
        if dots.low is not None and dots.high is not None:
            axes.plot([at, at], [dots.low, dots.high], color=look.colour, linewidth=1.0, alpha=0.75, zorder=1)


def limits(every: Sequence[Dots], majority: float) -> tuple[float, float, bool]:
    """Ends of the y axis, and whether intervals are cut: wide ones, of few runs, must not press the means together."""
    means = [dots.mean for dots in every] + [majority]
    ends = [end for dots in every for end in (dots.low, dots.high) if end is not None] + means
    room = max(max(means) - min(means), _LEAST_SPAN) / 2
    low, high = max(min(ends), min(means) - room), min(max(ends), max(means) + room)
    margin = 0.05 * (high - low) + 1e-3
    low, high = low - margin, high + margin
    return low, high, low > min(ends) or high < max(ends)


def _style(look: Look) -> dict[str, Any]:
    return dict(color=look.colour, marker=look.marker, linestyle=look.line, markersize=5, linewidth=1.5)

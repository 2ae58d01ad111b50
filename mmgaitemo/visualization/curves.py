"""How a run went: losses, learning rate, momentum and probes, a panel each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.visualization.style import (
    BLUE,
    GHOST,
    GREEN,
    INK,
    MUTED,
    PURPLE,
    SKY,
    SMALL,
    TEXT,
    VERMILLION,
    WIDTH,
    finite,
    new_figure,
    plain_axes,
    save,
    title_size,
)

_COLUMNS = 3
# Inches: a panel without legend and, in it, what title and x axis take; a line of the legend; title; edge; y axis.
_PANEL, _HEAD, _AXIS, _ENTRY, _TOP, _EDGE, _LEFT = 2.15, 0.35, 0.45, 0.18, 0.45, 0.2, 0.65
_FEW = 40  # so many points or fewer are measurements to be seen one by one
_REFERENCE_COLOURS = (VERMILLION, GREEN, PURPLE, MUTED)


def running_mean(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Centred mean over a twentieth of the curve; at the ends over the part of the window that exists.

    Args:
        values: (n,).

    Returns:
        (n,) means, and the window's odd length in samples.
    """
    half = max(len(values) // 40, 1)
    index = np.arange(len(values))
    start, stop = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    total = np.concatenate([[0.0], np.cumsum(values)])
    return (total[stop] - total[start]) / (stop - start), 2 * half + 1


def draw_curves(
    path: str | Path,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    xlabel: str,
    title: str = "",
    smooth: Collection[str] = (),
    references: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Draw every curve in a panel of its own.

    Args:
        path: The PNG file to write.
        curves: Name -> (x, y), each (n,) with n >= 1. The name heads the panel: put the unit into it.
        xlabel: What x is, with its unit: ``"epoch"``, ``"optimiser step"``.
        title: Printed above.
        smooth: Names of noisy curves: drawn thin, under their running mean.
        references: Curve name -> label -> height of a horizontal line: ``{"kNN accuracy": {"majority class": 0.35}}``.

    Returns:
        ``path``.

    Raises:
        ConfigError: No curve, or ``smooth`` or ``references`` name one that is not there.
        DataError: x and y are not (n,) of one length, are empty or not finite.
    """
    references = {} if references is None else references
    arrays = _checked(curves, smooth, references)
    columns = min(_COLUMNS, len(arrays))
    names = list(arrays)
    rows = [names[start : start + columns] for start in range(0, len(names), columns)]
    # The legend stands below the panel, where it hides nothing: a row is as high as its longest legend needs.
    legends = [max(len(references.get(name, {})) + (name in smooth) for name in row) * _ENTRY for row in rows]
    top = _TOP if title else _EDGE
    cell, width, height = WIDTH / _COLUMNS, columns * WIDTH / _COLUMNS, top + len(rows) * _PANEL + sum(legends) + _EDGE
    figure = new_figure(width, height)
    if title:
        figure.text(
            _EDGE / width,
            1 - _EDGE / height,
            title,
            size=title_size(title, width - 2 * _EDGE),
            weight="bold",
            color=INK,
            va="top",
        )
    bottom = height - top
    for row, legend in zip(rows, legends, strict=True):
        bottom -= _PANEL + legend
        for column, name in enumerate(row):
            left, base = column * cell + _LEFT, bottom + legend + _AXIS
            box = (left / width, base / height, (cell - _LEFT - _EDGE) / width, (_PANEL - _AXIS - _HEAD) / height)
            axes = figure.add_axes(box)
            axes.set_title(name, size=TEXT, color=INK, loc="left")
            axes.set_xlabel(xlabel, size=SMALL, color=MUTED)
            _draw_panel(axes, *arrays[name], name in smooth, references.get(name, {}))
    return save(figure, path)


def _draw_panel(axes: Axes, x: np.ndarray, y: np.ndarray, smooth: bool, references: Mapping[str, float]) -> None:
    plain_axes(axes)
    axes.grid(axis="y", color=GHOST, linewidth=0.5, alpha=0.6)
    axes.margins(x=0.03, y=0.12)
    axes.yaxis.set_major_formatter("{x:.6g}")  # no offset or factor apart from the numbers
    if len(x) == 1:
        axes.set_xticks(x)
    if smooth:
        mean, window = running_mean(y)
        axes.plot(x, y, color=SKY, linewidth=0.6, alpha=0.7)
        axes.plot(x, mean, color=BLUE, linewidth=1.6, label=f"mean of {window} points")
    else:
        axes.plot(x, y, color=BLUE, linewidth=1.6)
    if len(x) <= _FEW:
        axes.plot(x, y, color=BLUE, linestyle="", marker="o", markersize=3.5)
    for index, (label, level) in enumerate(references.items()):
        colour = _REFERENCE_COLOURS[index % len(_REFERENCE_COLOURS)]
        axes.axhline(level, color=colour, linewidth=1.2, linestyle="--", label=f"{label} {level:.3g}")
    if smooth or references:
        below = _AXIS / (_PANEL - _AXIS - _HEAD)
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, -below),
            borderaxespad=0,
            borderpad=0,
            labelspacing=0.3,
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
        )


def _checked(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    smooth: Collection[str],
    references: Mapping[str, Mapping[str, float]],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if not curves:
        raise ConfigError("draw_curves: curves", "no curve to draw", found="an empty dict", remedy="pass at least one")
    for key, names in (("smooth", smooth), ("references", references)):
        if foreign := [name for name in names if name not in curves]:
            raise ConfigError(
                f"draw_curves: {key}", "names a curve that is not there", found=foreign, remedy=f"use of {list(curves)}"
            )
    for name, lines in references.items():
        finite(f"draw_curves: references of {name!r}", np.array(list(lines.values())))
    arrays = {}
    for name, (x, y) in curves.items():
        x, y = finite(f"draw_curves: x of {name!r}", x), finite(f"draw_curves: y of {name!r}", y)
        if x.ndim != 1 or x.shape != y.shape or not len(x):
            raise DataError(
                f"draw_curves: curve {name!r}",
                "needs x and y of one length, at least one point",
                found=f"x {x.shape}, y {y.shape}",
                remedy="pass two flat arrays of the same points",
            )
        arrays[name] = (x, y)
    return arrays

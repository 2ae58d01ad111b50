"""The confusion matrix: which class is taken for which."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.visualization.style import INK, MUTED, SMALL, TEXT, new_figure, save, title_size

_CELL, _SIDE, _TOP, _BELOW = 0.95, 1.75, 0.55, 0.75  # inches
_NARROWEST = 4.6  # inches, so that title and note have room


def draw_confusion(
    path: str | Path, matrix: np.ndarray, classes: Sequence[str], title: str = "", note: str = ""
) -> Path:
    """Draw a confusion matrix: rows are the truth, columns the prediction; colour and percent are shares of the row.

    Args:
        path: The PNG file to write.
        matrix: (K, K) non-negative integer counts.
        classes: K names.
        title: Printed above.
        note: Printed small below, for example what is uncertain about the class names.

    Returns:
        ``path``.

    Raises:
        DataError: ``matrix`` is not square, not integer, or has negative counts.
        ConfigError: The number of names is not K.
    """
    matrix = np.asarray(matrix)
    where = "draw_confusion: matrix"
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise DataError(
            where, "needs (K, K), not empty", found=matrix.shape, remedy="pass a row and a column per class"
        )
    if not np.issubdtype(matrix.dtype, np.integer) or matrix.min() < 0:
        raise DataError(
            where,
            "needs counts, which are integers from 0",
            found=f"{matrix.dtype}, smallest {matrix.min()}",
            remedy="pass counts; shares are computed here",
        )
    if len(classes) != len(matrix):
        raise ConfigError(
            "draw_confusion: classes", f"needs {len(matrix)} names", found=list(classes), remedy="name every class once"
        )

    count = len(matrix)
    width, height = max(_SIDE + count * _CELL + 0.2, _NARROWEST), _TOP + count * _CELL + _BELOW
    notes = textwrap.wrap(note, int(width * 13.5))
    height += 0.16 * len(notes)
    figure = new_figure(width, height)
    axes = figure.add_axes(
        (_SIDE / width, 1 - (_TOP + count * _CELL) / height, count * _CELL / width, count * _CELL / height)
    )
    rows = matrix.sum(axis=1, keepdims=True)
    share = matrix / np.maximum(rows, 1)
    colours = colormaps["Blues"](0.9 * share)
    axes.imshow(colours, aspect="auto", interpolation="nearest")
    for row in range(count):
        for column in range(count):
            percent = f"{100 * share[row, column]:.0f} %" if rows[row, 0] else "-"
            # Weights of the eye for red, green and blue: dark cells get light letters.
            ink = "white" if colours[row, column, :3] @ (0.299, 0.587, 0.114) < 0.55 else INK
            axes.text(
                column, row, f"{matrix[row, column]}", size=TEXT, weight="bold", color=ink, ha="center", va="bottom"
            )
            axes.text(column, row + 0.06, percent, size=SMALL, color=ink, ha="center", va="top")

    names = [textwrap.fill(name, 13) for name in classes]
    axes.set_xticks(range(count), names, size=SMALL, color=INK)
    axes.set_yticks(
        range(count), [f"{name}\n(n = {n})" for name, n in zip(names, rows[:, 0], strict=True)], size=SMALL, color=INK
    )
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(count - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(count - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", size=TEXT, color=MUTED)
    axes.set_ylabel("truth", size=TEXT, color=MUTED)
    figure.text(
        0.15 / width, 1 - 0.15 / height, title, size=title_size(title, width - 0.3), weight="bold", color=INK, va="top"
    )
    figure.text(0.15 / width, 0.12 / height, "\n".join(notes), size=SMALL, color=MUTED, va="bottom")
    return save(figure, path)

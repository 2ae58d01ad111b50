"""What all pictures share: colours, letter sizes, figures without global state, and saving that leaves no half file.

Figures are made with Matplotlib's objects, not with pyplot: no window system is asked for, nothing is kept after the
call, and threads do not disturb one another.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.files import unfinished

# The palette of Okabe and Ito (Color Universal Design), which colour-blind readers can tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

# Left limbs are warm, right limbs cold; legs are the lighter ones.
PART_COLOURS = {
    "trunk": BLACK,
    "left_arm": VERMILLION,
    "right_arm": BLUE,
    "left_leg": ORANGE,
    "right_leg": SKY,
}
CLASS_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, YELLOW, BLACK)

INK, MUTED, GHOST, PANEL = "#222222", "#6B6B6B", "#C9C9C9", "#F4F4F4"
TITLE, TEXT, SMALL = 13.0, 10.0, 8.5  # points

WIDTH = 9.0  # inches; at DPI this is 1800 pixels, shown at 900 the smallest letters are 12 pixels high
DPI = 200


def new_figure(width: float, height: float) -> Figure:
    """A white figure of ``width`` x ``height`` inches, drawn by Agg."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def title_size(title: str, width: float) -> float:
    """Letter size in points at which ``title`` fits into ``width`` inches: a bold letter is about 0.68 sizes wide."""
    return min(TITLE, 72 * width / (0.68 * max(len(title), 1)))


def plain_axes(axes: Axes, *, ticks: bool = True) -> None:
    """Thin grey frame on the left and below, small letters; ``ticks=False`` takes the numbers away."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GHOST)
    axes.tick_params(colors=MUTED, labelsize=SMALL, length=3 if ticks else 0)
    if not ticks:
        axes.set(xticks=[], yticks=[])


def finite(where: str, values: np.ndarray) -> np.ndarray:
    """``values`` as float64.

    Raises:
        DataError: They are no numbers, or NaN or infinite ones are among them.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(where, "holds something that is no number", found=error, remedy="pass numbers") from error
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        raise DataError(
            where,
            "NaN or infinite values cannot be drawn",
            found=f"{len(bad)} of {array.size} values, the first at index {tuple(bad[0].tolist())}",
            remedy="find where they come from, or leave these entries out",
        )
    return array


def save(figure: Figure, path: str | Path) -> Path:
    """Write ``figure`` as PNG; the file appears complete or not at all, and its folder is made where missing.

    Raises:
        ConfigError: ``path`` does not end in ``.png``.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ConfigError(f"picture {path}", "pictures are PNG files", found=repr(path.suffix), remedy="end it in .png")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    with unfinished(path) as partial:
        partial.write_bytes(picture.getvalue())
    return path

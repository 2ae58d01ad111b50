"""What the pictures of a study share: title, note, legend, and a look for each method."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmgaitemo.visualization.style import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
    WIDTH,
    new_figure,
    title_size,
)

EDGE = 0.18  # inches to the edges of the picture
_TITLE, _LINE = 0.45, 0.165  # inches: title, a line of the note or of the legend
_LETTERS = 15.5  # of the note, in an inch
_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # yellow is too pale for lines
_MARKERS = "osD^vP"
_LINES = ("-", "--", ":")


@dataclass(frozen=True)
class Look:
    """How a method is drawn in a picture of many; colour, marker and line tell it apart."""

    colour: str
    marker: str
    line: str


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each name, by place; where the colours come round again, the line is another one."""
    return {
        name: Look(_COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)], _LINES[i // len(_COLOURS) % len(_LINES)])
        for i, name in enumerate(names)
    }


class Frame:
    """A picture with a title above and legend and note below, and boxes in inches for what is between.

    Args:
        height: Inches between title and legend.
        title: Printed above, bold.
        note: Printed small at the bottom, wrapped.
        legend: Number of entries of the legend, whose columns are ``columns``.
        columns: Of the legend.
    """

    def __init__(self, height: float, title: str, note: str, legend: int, columns: int) -> None:
        notes = textwrap.wrap(note, int((WIDTH - 2 * EDGE) * _LETTERS))
        self._columns = columns
        self._notes = EDGE + _LINE * len(notes)
        below = self._notes + _LINE * 1.15 * -(-legend // columns) + 0.1
        self.height, self._below = height, below
        self._total = _TITLE + height + below
        self.figure: Figure = new_figure(WIDTH, self._total)
        size = title_size(title, WIDTH - 2 * EDGE)
        top = 1 - EDGE / self._total
        self.figure.text(EDGE / WIDTH, top, title, size=size, weight="bold", color=INK, va="top")
        bottom = 0.6 * EDGE / self._total
        self.figure.text(EDGE / WIDTH, bottom, "\n".join(notes), size=SMALL, color=MUTED, va="bottom", linespacing=1.25)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes in inches; (0, 0) is the lower left corner between title and legend."""
        total = self._total
        return self.figure.add_axes((left / WIDTH, (self._below + bottom) / total, width / WIDTH, height / total))

    def legend(self, handles: Iterable[Artist], labels: Iterable[str]) -> None:
        """The legend, above the note."""
        self.figure.legend(
            [*handles],
            [*labels],
            loc="lower left",
            bbox_to_anchor=(EDGE / WIDTH, self._notes / self._total),
            borderaxespad=0,
            borderpad=0,
            ncols=self._columns,
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
            labelspacing=0.35,
            columnspacing=1.8,
            handletextpad=0.6,
            handlelength=2.6,
        )

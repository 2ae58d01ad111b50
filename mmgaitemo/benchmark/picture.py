"""Where the time of a step goes, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.patches import Patch

from mmgaitemo.visualization.style import (
    BLUE,
    GHOST,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    TEXT,
    TITLE,
    VERMILLION,
    WIDTH,
    YELLOW,
    new_figure,
    plain_axes,
    save,
)

COLOURS = {
    "data": YELLOW,
    "views": ORANGE,
    "query": BLUE,
    "key": SKY,
    "loss": GREEN,
    "backward": VERMILLION,
    "optimiser": PURPLE,
    "hooks": MUTED,
}
_LABELLED = 0.06  # share of the longest bar from which on a phase has room for its number


def draw_breakdown(path: str | Path, result: Mapping[str, Any]) -> Path:
    """Our step and the reference's as stacked bars of their phases, in milliseconds.

    Args:
        path: The PNG file to write.
        result: Of part ``step``.

    Returns:
        ``path``.
    """
    breakdown = {side: {phase: 1e3 * s for phase, s in phases.items()} for side, phases in result["breakdown"].items()}
    longest = max(sum(phases.values()) for phases in breakdown.values())
    figure = new_figure(WIDTH, 2.9)
    axes = figure.add_axes((0.1, 0.36, 0.87, 0.46))
    for row, phases in enumerate(breakdown.values()):
        left = 0.0
        for phase, milliseconds in phases.items():
            label = phase if row == 0 else None
            axes.barh(
                row, milliseconds, 0.62, left, color=COLOURS[phase], edgecolor="white", linewidth=0.8, label=label
            )
            if milliseconds > _LABELLED * longest:
                middle = left + milliseconds / 2
                axes.text(middle, row, f"{milliseconds:.0f}", ha="center", va="center", color="white", fontsize=TEXT)
            left += milliseconds
        axes.text(left + 0.01 * longest, row, f"{left:.0f} ms", va="center", color=INK, fontsize=TEXT)
    axes.set_yticks(range(len(breakdown)), list(breakdown), fontsize=TEXT, color=INK)
    axes.set_xlim(0, 1.12 * longest)
    axes.invert_yaxis()
    plain_axes(axes)
    axes.tick_params(axis="y", labelsize=TEXT, labelcolor=INK, length=0)
    axes.grid(axis="x", color=GHOST, linewidth=0.5)
    axes.set_axisbelow(True)
    phases = next(iter(breakdown.values()))
    labels = [f"{phase}\n" + " | ".join(_short(side[phase]) for side in breakdown.values()) for phase in phases]
    handles = [Patch(color=COLOURS[phase]) for phase in phases]
    tight = dict(ncols=len(labels), handlelength=1.0, handletextpad=0.5, columnspacing=1.2, frameon=False)
    figure.legend(handles, labels, loc="lower center", fontsize=SMALL, **tight)
    axes.set_xlabel(f"milliseconds of a step; below: {' | '.join(breakdown)}", fontsize=SMALL, color=MUTED)
    settings, machine = result["settings"], result["machine"]
    figure.text(0.02, 0.92, "Where the time of a step goes", fontsize=TITLE, weight="bold", color=INK)
    where = (
        f"{machine['device']}, threads {machine['threads']}, {settings['batch']} walks of {settings['frames']} frames"
    )
    figure.text(0.98, 0.92, where, fontsize=SMALL, color=MUTED, ha="right")
    return save(figure, path)


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"

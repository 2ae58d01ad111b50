"""How the gait cycles of a walk were found: the swing of the feet, its autocorrelation, the poses at the boundaries."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmgaitemo.errors import DataError
from mmgaitemo.motion.cycles import LEAST_REGULARITY, SEEN_TWICE, GaitCycles, autocorrelation, foot_swing, leg_length
from mmgaitemo.skeleton import Skeleton
from mmgaitemo.visualization.skeleton_plot import visible_joints
from mmgaitemo.visualization.stick_figure import draw_figure, write
from mmgaitemo.visualization.style import (
    BLUE,
    GHOST,
    INK,
    MUTED,
    PANEL,
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
from mmgaitemo.visualization.walk_set import ShownWalk, camera

# Inches: height, outer edge, room for the numbers of the axes, bottoms and heights of the three panels.
_HEIGHT, _EDGE, _NUMBERS = 6.5, 0.15, 0.65
_SWING, _LIKENESS, _POSES = (4.1, 1.4), (2.25, 1.05), (0.1, 1.45)
_MOST = 9  # poses in a row
_ELSEWHERE = 6  # poses shown of a walk without cycles
_BANDS = ("#E9EEF3", PANEL)


def draw_cycles(
    path: str | Path,
    positions: np.ndarray,
    skeleton: Skeleton,
    cycles: GaitCycles,
    rate: float | None,
    title: str,
) -> Path:
    """Draw the signal that the cycles were read from, its autocorrelation, and the body at every boundary.

    If the cycles are right the poses at their boundaries look alike, and a wave of the signal is one of their bands.

    Args:
        path: The PNG file to write.
        positions: (T, V, 3) of the walk, upright on the layout's up axis, any unit.
        skeleton: The layout.
        cycles: Of these positions, from ``find_cycles``.
        rate: Frames per second; ``None`` draws frames in place of seconds.
        title: Printed above.

    Returns:
        ``path``.

    Raises:
        ConfigError: ``path`` is no PNG file.
        DataError: The positions are not finite, not of this layout, fewer than two frames, or the feet never move.
    """
    positions = finite("draw_cycles: positions", positions)
    if positions.shape[1:] != (skeleton.num_joints, 3) or len(positions) < 2:
        raise DataError(
            "draw_cycles: positions",
            f"layout {skeleton.name!r} needs (T, {skeleton.num_joints}, 3) with T of at least 2",
            found=positions.shape,
            remedy="name the layout that the data is in",
        )
    swing = foot_swing(positions, skeleton, "xyz"[skeleton.up]) / max(leg_length(positions, skeleton), 1e-300)
    if not swing.any():
        raise DataError("draw_cycles: positions", "the feet never move", remedy="choose a walk")
    figure = new_figure(WIDTH, _HEIGHT)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, _HEIGHT))
    sheet.set_axis_off()
    write(sheet, _EDGE, _HEIGHT - 0.3, title, size=title_size(title, WIDTH - 2 * _EDGE), weight="bold")
    write(sheet, _EDGE, _HEIGHT - 0.55, _summary(cycles, rate), color=INK if len(cycles.starts) else VERMILLION)
    _draw_swing(_panel(figure, _SWING), swing, cycles, rate)
    _draw_likeness(_panel(figure, _LIKENESS), autocorrelation(swing), cycles, rate)
    _draw_poses(figure, positions, skeleton, cycles)
    return save(figure, path)


def _summary(cycles: GaitCycles, rate: float | None) -> str:
    if not len(cycles.starts):
        return "no whole gait cycle found"
    seconds = "" if rate is None else f" = {cycles.period / rate:.2f} s"
    return (
        f"{len(cycles.starts) - 1} whole gait cycles of {cycles.period:.1f} frames{seconds}, "
        f"regularity {cycles.regularity:.2f}"
    )


def _panel(figure: Figure, place: tuple[float, float]) -> Axes:
    bottom, height = place
    width = (WIDTH - _NUMBERS - _EDGE) / WIDTH
    axes = figure.add_axes((_NUMBERS / WIDTH, bottom / _HEIGHT, width, height / _HEIGHT))
    plain_axes(axes)
    axes.axhline(0, color=GHOST, lw=0.8, zorder=0)
    return axes


def _draw_swing(axes: Axes, swing: np.ndarray, cycles: GaitCycles, rate: float | None) -> None:
    frames = np.arange(len(swing))
    time, starts = (frames + 1, cycles.starts + 1) if rate is None else (frames / rate, cycles.starts / rate)
    for number, (start, stop) in enumerate(pairwise(starts)):
        axes.axvspan(start, stop, color=_BANDS[number % 2], zorder=-2, lw=0)
    for start in starts:
        axes.axvline(start, color=VERMILLION, lw=1, zorder=1)
    axes.plot(time, swing, color=BLUE, lw=1.5)
    axes.set_xlim(time[0], time[-1])
    axes.set_title("left ankle ahead of the right one, in leg lengths", size=TEXT, color=INK, loc="left")
    axes.set_xlabel("frame" if rate is None else "seconds", size=SMALL, color=MUTED, labelpad=1)


def _draw_likeness(axes: Axes, likeness: np.ndarray, cycles: GaitCycles, rate: float | None) -> None:
    lags = np.arange(int(len(likeness) / (1 + SEEN_TWICE)) + 1)  # those at which a period is looked for
    frame = 1.0 if rate is None else 1 / rate
    axes.plot(lags * frame, likeness[lags], color=BLUE, lw=1.5)
    axes.axhline(LEAST_REGULARITY, color=MUTED, lw=0.8, ls=(0, (4, 3)))
    if len(cycles.starts):
        axes.plot(cycles.period * frame, cycles.regularity, "o", color=VERMILLION, ms=6, zorder=3)
    axes.set(xlim=(0, lags[-1] * frame), ylim=(-1.05, 1.1), yticks=(-1, 0, 1))
    title = f"likeness of the swing to itself so much later; dashed: the least for a walk, {LEAST_REGULARITY:g}"
    axes.set_title(title, size=TEXT, color=INK, loc="left")
    axes.set_xlabel("frames" if rate is None else "seconds", size=SMALL, color=MUTED, labelpad=1)


def _draw_poses(figure: Figure, positions: np.ndarray, skeleton: Skeleton, cycles: GaitCycles) -> None:
    frames = cycles.starts if len(cycles.starts) else np.linspace(0, len(positions) - 1, _ELSEWHERE).round().astype(int)
    shown, rest = frames[:_MOST], len(frames) - _MOST
    bottom, height = _POSES
    axes = figure.add_axes((0, bottom / _HEIGHT, 1, height / _HEIGHT), xlim=(0, WIDTH), ylim=(0, height))
    axes.set_axis_off()
    what = "the body at the boundaries, where it should look alike" if len(cycles.starts) else "the body now and then"
    write(axes, _EDGE, height - 0.05, f"{what}; {rest} more are not shown" if rest > 0 else what)
    view = camera(ShownWalk("", {"": positions}), skeleton)
    points = view.followed("", positions) * (height - 0.4) / (2.2 * view.size)
    cell = (WIDTH - 2 * _EDGE) / len(shown)
    for column, frame in enumerate(shown):
        middle = np.array([_EDGE + (column + 0.5) * cell, height / 2 - 0.01, 0.0])
        draw_figure(axes, points[frame] + middle, visible_joints(positions[frame], skeleton), skeleton, width=1.8)
        write(axes, middle[0], 0.0, f"frame {frame + 1}", size=SMALL, color=MUTED, ha="center")

"""A prediction as a picture: the walk, the probabilities over time, which joints and moments carried them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmgaitemo.apis.prediction import GaitPrediction
from mmgaitemo.errors import ConfigError
from mmgaitemo.visualization.animation import animate
from mmgaitemo.visualization.skeleton_plot import visible_joints
from mmgaitemo.visualization.stick_figure import draw_figure, shortened, write
from mmgaitemo.visualization.style import (
    BLUE,
    CLASS_COLOURS,
    GHOST,
    INK,
    MUTED,
    PANEL,
    SMALL,
    TEXT,
    VERMILLION,
    WIDTH,
    new_figure,
    plain_axes,
    save,
    title_size,
)
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet, camera

# Inches: the outer edge, the columns left and right of the timelines, and bottom and height of the three rows.
_EDGE, _LEFT, _RIGHT = 0.15, 0.65, 2.45
_HEIGHT, _NOTES = 6.3, 0.16
_POSES, _TIMELINE, _MOMENTS = (3.75, 1.5), (1.95, 1.45), (0.55, 0.85)
_COUNT = 7  # poses
_MOST = 10  # joints with a bar
_SMOOTH = 0.2  # seconds: a network that skips frames looks at some more than at their neighbours
_PERCEIVED = "A model repeats how walks were labelled. It does not read feelings; do not use it to judge a person."


def draw_prediction(path: str | Path, prediction: GaitPrediction, note: str = "") -> Path:
    """Draw a prediction.

    Args:
        path: The PNG file to write.
        prediction: With attribution.
        note: Printed below, such as what the model is.

    Returns:
        ``path``.

    Raises:
        ConfigError: ``path`` is no PNG file, or the prediction has no attribution.
    """
    joints, moments = prediction.joints, prediction.moments
    if joints is None or moments is None:
        raise ConfigError(str(path), "the prediction has no attribution to draw", remedy="predict with explain=True")
    notes = textwrap.wrap(" ".join(filter(None, [note, *_repairs(prediction), _PERCEIVED])), 135)
    height = _HEIGHT + _NOTES * len(notes)
    figure = new_figure(WIDTH, height)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))
    sheet.set_axis_off()
    for number, line in enumerate(reversed(notes)):
        write(sheet, _EDGE, _EDGE + _NOTES * number, line, size=SMALL, color=MUTED)
    name = shortened(prediction.id, 80)
    write(sheet, _EDGE, height - 0.32, name, size=title_size(name, WIDTH - 2 * _EDGE), weight="bold")
    write(sheet, _EDGE, height - 0.57, _answer(prediction), color=VERMILLION if prediction.abstained else INK)
    low = _NOTES * len(notes)
    _draw_poses(_panel(figure, _POSES, low, height), prediction)
    _draw_timeline(_panel(figure, _TIMELINE, low, height), prediction)
    _draw_moments(_panel(figure, _MOMENTS, low, height), prediction, moments)
    _draw_joints(figure, prediction, joints, low, height)
    return save(figure, path)


def animate_prediction(path: str | Path, prediction: GaitPrediction, note: str = "") -> Path:
    """Write the walk as a GIF in its own time, with the answer below its name and ``note`` above."""
    answer = "no answer" if prediction.abstained else f"{prediction.label} {prediction.confidence:.2f}"
    walk = ShownWalk(prediction.id, {"recording": prediction.positions}, answer)
    return animate(path, WalkSet(note, prediction.skeleton, (walk,), prediction.rate, ground=True))


def _answer(prediction: GaitPrediction) -> str:
    far = f"distance {prediction.distance:.2f}, threshold {prediction.threshold:.2f}"
    if prediction.abstained:
        return f"no answer: unlike the walks the model was trained on ({far})"
    return f"{prediction.label}, probability {prediction.confidence:.2f} ({far})"


def _repairs(prediction: GaitPrediction) -> list[str]:
    return [f"Recording: {'; '.join(prediction.repairs)}."] if prediction.repairs else []


def _panel(figure: Figure, place: tuple[float, float], low: float, height: float) -> Axes:
    bottom, tall = place
    width = WIDTH - _LEFT - _RIGHT
    return figure.add_axes((_LEFT / WIDTH, (low + bottom) / height, width / WIDTH, tall / height))


def _seconds(prediction: GaitPrediction) -> np.ndarray:
    return prediction.begin_s + np.arange(len(prediction.positions)) / prediction.rate


def _draw_poses(axes: Axes, prediction: GaitPrediction) -> None:
    """Even moments of the window in the middle: a gait cycle, where cycles were found."""
    width, height = WIDTH - _LEFT - _RIGHT, _POSES[1]
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    window = prediction.windows[len(prediction.windows) // 2]
    moments = np.linspace(window.start_s, window.stop_s, _COUNT, endpoint=False)
    frames = np.round((moments - prediction.begin_s) * prediction.rate).astype(int)
    frames = frames.clip(max=len(prediction.positions) - 1)  # a moment may round to where a short window ends
    view = camera(ShownWalk("", {"": prediction.positions}), prediction.skeleton)
    points = view.followed("", prediction.positions) * 0.92 * (height - 0.2) / (2 * view.size)
    for column, frame in enumerate(frames):
        middle = np.array([(column + 0.5) / _COUNT * width, (height - 0.2) / 2, 0.0])
        seen = visible_joints(prediction.positions[frame], prediction.skeleton)
        draw_figure(axes, points[frame] + middle, seen, prediction.skeleton, width=1.8)
    title = f"the window from {window.start_s:.1f} to {window.stop_s:.1f} seconds"
    axes.set_title(title, size=TEXT, color=INK, loc="left")


def _draw_timeline(axes: Axes, prediction: GaitPrediction) -> None:
    plain_axes(axes)
    far = False
    for window in prediction.windows:
        beyond = window.distance > prediction.threshold
        far = far or beyond
        face, edge, hatch = ("none", GHOST, "////") if beyond else (PANEL, PANEL, None)
        axes.axvspan(window.start_s, window.stop_s, lw=0, zorder=0, facecolor=face, edgecolor=edge, hatch=hatch)
        axes.axvline(window.start_s, color="white", lw=1, zorder=1)
    curves = np.array([window.probabilities for window in prediction.windows])
    starts, stops = np.array([(window.start_s, window.stop_s) for window in prediction.windows]).T
    pauses = np.flatnonzero(starts[1:] > stops[:-1] + 1 / prediction.rate) + 1
    middles, curves = (
        np.insert((starts + stops) / 2, pauses, np.nan),
        np.insert(curves, pauses, np.nan, axis=0),
    )  # no line there
    for number, values in enumerate(curves.T):
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        axes.plot(middles, values, "o-", color=colour, ms=3.5, lw=1.4, zorder=2)  # its name: in the right column
    seconds = _seconds(prediction)
    axes.set(xlim=(seconds[0], seconds[-1]), ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))
    title = "probability, window by window" + ("; hatched: unlike the training walks" if far else "")
    axes.set_title(title, size=TEXT, color=INK, loc="left")


def _draw_moments(axes: Axes, prediction: GaitPrediction, moments: np.ndarray) -> None:
    plain_axes(axes)
    seconds, moments = _seconds(prediction), _smooth(moments, round(_SMOOTH * prediction.rate))
    axes.axhline(0, color=GHOST, lw=0.8, zorder=0)
    for colour, chosen in ((BLUE, moments > 0), (VERMILLION, moments < 0)):
        axes.fill_between(seconds, np.where(chosen, moments, 0), color=colour, lw=0, step="mid")
    reach = max(float(np.nanmax(np.abs(moments))), 1e-9)
    axes.set(xlim=(seconds[0], seconds[-1]), ylim=(-1.1 * reach, 1.1 * reach), yticks=())
    title = f"moments that spoke for {prediction.likeliest} (blue) or against it (red), mean of {_SMOOTH:g} s"
    axes.set_title(title, size=TEXT, color=INK, loc="left")
    axes.set_xlabel("seconds", size=SMALL, color=MUTED, labelpad=1)


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Running mean of (T,); NaN stays, and counts as nothing."""
    window, known = np.ones(min(max(width, 1), len(values))), np.isfinite(values)  # "same" is as long as the longer
    total, count = (np.convolve(each, window, mode="same") for each in (np.where(known, values, 0), known))
    return np.where(known, total / np.maximum(count, 1), np.nan)


def _draw_joints(figure: Figure, prediction: GaitPrediction, joints: np.ndarray, low: float, height: float) -> None:
    """The right column: classes of the whole recording above, joints below."""
    left, width = WIDTH - _RIGHT + 1.25, _RIGHT - 1.25 - 0.55
    bottom, tall = _TIMELINE[0] + _TIMELINE[1] + 0.55, _POSES[1] - 0.45
    axes = figure.add_axes((left / WIDTH, (low + bottom) / height, width / WIDTH, tall / height))
    colours = [CLASS_COLOURS[number % len(CLASS_COLOURS)] for number in range(len(prediction.classes))]
    _bars(axes, list(prediction.classes), prediction.probabilities, colours, "whole recording", (0.0, 1.0))
    for number, value in enumerate(prediction.probabilities):
        axes.text(value + 0.04, number, f"{value:.2f}", size=SMALL, color=MUTED, va="center")
    order = np.argsort(-np.abs(joints), kind="stable")[:_MOST]
    names = [prediction.skeleton.joints[joint].replace("_", " ") for joint in order]
    shades = [BLUE if joints[joint] > 0 else VERMILLION for joint in order]
    reach = max(float(np.abs(joints).max()), 1e-9)
    tall = _TIMELINE[0] + _TIMELINE[1] - _MOMENTS[0] - 0.05
    axes = figure.add_axes((left / WIDTH, (low + _MOMENTS[0]) / height, (width + 0.4) / WIDTH, tall / height))
    _bars(axes, names, joints[order], shades, "joints for or against it", (-reach, reach))
    axes.axvline(0, color=GHOST, lw=0.8)


def _bars(
    axes: Axes, names: list[str], values: np.ndarray, colours: list[str], title: str, limits: tuple[float, float]
) -> None:
    axes.barh(range(len(names)), values, color=colours, height=0.7)
    plain_axes(axes, ticks=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=limits)
    axes.set_yticks(range(len(names)), [shortened(name, 16) for name in names])
    axes.tick_params(axis="y", labelsize=SMALL, labelcolor=INK, length=0)
    axes.set_title(title, size=TEXT, color=INK, x=1.0, ha="right")

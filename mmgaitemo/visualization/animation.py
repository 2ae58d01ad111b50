"""Moving stick figures: several walks and their views side by side, as GIF or MP4."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from mmgaitemo.errors import ConfigError
from mmgaitemo.files import unfinished
from mmgaitemo.visualization.skeleton_plot import visible_joints
from mmgaitemo.visualization.stick_figure import draw_figure, shortened, write
from mmgaitemo.visualization.style import GHOST, INK, MUTED, PART_COLOURS, SMALL, TEXT
from mmgaitemo.visualization.walk_set import PLAYED, ShownWalk, WalkSet, camera

LARGEST = 12  # walks
LONGEST = 600  # frames: 20 seconds at 30 Hz; longer recordings are cut, and the picture says so
_FASTEST = 34.0  # pictures a second in a GIF: viewers slow delays under 20 ms down; 30 ms is the next that it can say
_DPI = 100
_COLUMNS = 4
_PANEL, _NARROW, _TALL = 3.2, 2.6, 2.9  # inches: width of up to three panels in a row, of four, height of the body
_LINE, _MARGIN = 0.19, 0.12  # inches
_LETTERS, _BOLD = 15.8, 10.0  # letters to an inch, of SMALL and of TEXT in bold
_THROWN = 2.4  # a walk's panel shows so many times its usual reach; a joint thrown farther leaves the picture


def animate(path: str | Path, walks: WalkSet) -> Path:
    """Write an animation in the recordings' own time; at most 34 pictures a second in a GIF, the others are left out.

    Shorter walks wait at their last frame for the longest. The camera follows each walker.

    Args:
        path: The ``.gif`` or ``.mp4`` file to write; it appears complete or not at all.
        walks: At most 12.

    Returns:
        ``path``.

    Raises:
        ConfigError: The suffix is another, there are more walks, or OpenCV has no codec for MP4.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".gif", ".mp4"):
        raise ConfigError(
            f"animation {path}", "animations are GIF or MP4", found=repr(path.suffix), remedy="end it in .gif or .mp4"
        )
    if len(walks.walks) > LARGEST:
        raise ConfigError(
            "animation",
            f"takes at most {LARGEST} walks",
            found=len(walks.walks),
            remedy="choose fewer, or write an .html page",
        )
    rate = walks.rate or PLAYED
    step = int(np.ceil(rate / _FASTEST)) if kind == ".gif" else 1
    frames = np.arange(0, min(max(walk.frames for walk in walks.walks), LONGEST), step)
    pictures = _pictures(walks, frames)
    with unfinished(path) as partial:
        if kind == ".gif":
            _write_gif(partial, pictures, np.append(frames, frames[-1] + step) / rate)
        else:
            _write_mp4(partial, pictures, rate)
    return path


def _write_gif(path: Path, pictures: Iterator[np.ndarray], moments: np.ndarray) -> None:
    # GIF counts in hundredths of a second: rounding the moments, not the delays, keeps the mean rate.
    delays = np.diff(np.round(100 * moments)).clip(2) * 10
    palette = _palette()
    first, *others = [
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures
    ]
    first.save(path, save_all=True, append_images=others, duration=delays.astype(int).tolist(), loop=0, disposal=1)


def _palette() -> Image.Image:
    """All colours that are drawn, in 16 steps to white for their soft edges: one palette, so that nothing flickers.

    More steps would not help: Pillow looks colours up in boxes of 8 levels, and would take a near white for white.
    """
    colours = 255 * np.array([to_rgb(colour) for colour in (*PART_COLOURS.values(), INK, MUTED)])
    steps = 255 + (colours[:, None] - 255) * np.linspace(0, 1, 16)[:, None]
    palette = Image.new("P", (1, 1))
    palette.putpalette(steps.round().astype(int).ravel().tolist())
    return palette


def _write_mp4(path: Path, pictures: Iterator[np.ndarray], rate: float) -> None:
    import cv2  # comes with MMEngine; only films need it

    first = next(pictures)
    for code in ("vp09", "mp4v"):  # VP9 is what browsers play; MPEG-4 part 2 is in every OpenCV that writes video
        film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate, first.shape[1::-1])
        if film.isOpened():
            break
    else:
        raise ConfigError(
            f"animation {path.suffix}",
            "this OpenCV cannot write MP4: it has neither VP9 nor MPEG-4",
            found=f"opencv {cv2.__version__}",
            remedy="write a .gif or an .html page, or install opencv-python from PyPI",
        )
    film.write(first[..., ::-1])  # OpenCV's colours are blue, green, red
    for picture in pictures:
        film.write(picture[..., ::-1])
    film.release()
    if not path.is_file() or not path.stat().st_size:
        raise ConfigError(str(path), "OpenCV wrote nothing", remedy="check the free space, or write a .gif")


def _pictures(walks: WalkSet, frames: np.ndarray) -> Iterator[np.ndarray]:
    """(height, width, 3) uint8 for every frame."""
    names = walks.view_names
    # The views of a walk share a row; walks with one view fill rows.
    columns = len(names) if len(names) > 1 else min(len(walks.walks), _COLUMNS)
    width = _PANEL if columns <= 3 else _NARROW
    texts = {"Source": walks.source, "Licence": walks.licence, "Class names": walks.class_note}
    room = columns * width - 2 * _MARGIN
    notes = [line for key, text in texts.items() if text for line in textwrap.wrap(f"{key}: {text}", int(room * 15))]
    title = textwrap.wrap(walks.title, int(room * _BOLD))
    height = _TALL + 4 * _LINE
    rows = -(-len(walks.walks) * len(names) // columns)
    top = _LINE * len(title) + 2 * _MARGIN
    total = top + rows * height + _LINE * len(notes) + _MARGIN
    pixels = [2 * round(inches * _DPI / 2) for inches in (columns * width, total)]  # video wants even numbers
    figure = Figure(figsize=(pixels[0] / _DPI, pixels[1] / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, columns * width), ylim=(0, total))
    page.set_axis_off()
    for number, line in enumerate(title, 1):
        write(page, _MARGIN, total - _LINE * number - _MARGIN, line, weight="bold")
    for number, line in enumerate(reversed(notes)):
        write(page, _MARGIN, _MARGIN + _LINE * number, line, size=SMALL, color=MUTED)
    panels = []
    for number, (walk, name) in enumerate((walk, name) for walk in walks.walks for name in names):
        left, bottom = (number % columns) * width, total - top - (number // columns + 1) * height
        _caption(page, left, bottom + height, width, walk, name, walks)
        box = (left / columns / width, bottom / total, 1 / columns, (_TALL + 1.6 * _LINE) / total)
        panels.append(_Panel(figure.add_axes(box), width, walk, name, walks))
    for frame in frames.tolist():
        for panel in panels:
            panel.draw(frame)
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _caption(page: Axes, left: float, top: float, width: float, walk: ShownWalk, name: str, walks: WalkSet) -> None:
    """Two lines above a panel: id and facts, or where there are several views these once a row and their names."""
    letters, several = int((width - _MARGIN) * _LETTERS), len(walk.views) > 1
    first, last = name == walks.view_names[0], name == walks.view_names[-1]
    if first:
        room = (width * max(len(walk.views) - 1, 1) - 2 * _MARGIN) * _BOLD
        write(page, left + _MARGIN, top - _LINE, shortened(walk.id, int(room)), weight="bold")
    if several and last:
        facts = shortened(walks.facts(walk), letters)
        write(page, left + width - _MARGIN, top - _LINE, facts, size=SMALL, color=MUTED, ha="right")
    second = name if several else shortened(walks.facts(walk), letters)
    write(page, left + _MARGIN, top - 2 * _LINE, second, size=SMALL, color=MUTED)


class _Panel:
    """One view of one walk; it clips what is thrown out of the picture."""

    def __init__(self, axes: Axes, width: float, walk: ShownWalk, name: str, walks: WalkSet) -> None:
        self.axes, self.skeleton, self.name, self.width = axes, walks.skeleton, name, width
        self.axes.set(xlim=(0, width), ylim=(0, _TALL + 1.6 * _LINE))
        self.axes.set_axis_off()
        self.camera, self.on_ground = camera(walk, walks.skeleton), walks.ground
        self.points = self.camera.followed(name, walk.views[name])[:LONGEST]
        self.seen = np.array([visible_joints(pose, walks.skeleton) for pose in walk.views[name][:LONGEST]])
        heights = np.concatenate([self.camera.followed(key, view)[..., 1].ravel() for key, view in walk.views.items()])
        reach = min(2 * float(np.abs(heights).max()), _THROWN * self.camera.size)
        self.scale = 0.94 * _TALL / (reach or 1.0)
        self.cut = f", of {walk.frames}" if walk.frames > LONGEST else ""

    def draw(self, frame: int) -> None:
        """Draw the body of ``frame``, or of the last one where the walk is shorter."""
        for artist in (*self.axes.collections, *self.axes.texts):
            artist.remove()
        frame = min(frame, len(self.points) - 1)
        middle = np.array([self.width / 2, 1.6 * _LINE + _TALL / 2, 0])
        if self.on_ground:
            lines = (self.scale * self.camera.ground(self.name, frame) + middle)[..., :2]
            self.axes.add_collection(LineCollection(lines, colors=GHOST, linewidths=0.8, zorder=1))
        if self.seen[frame].any():
            pose = self.scale * self.points[frame] + middle
            draw_figure(self.axes, pose, self.seen[frame], self.skeleton, width=2.6)
        else:
            write(self.axes, self.width / 2, _TALL / 2, "frame removed", color=MUTED, size=TEXT, ha="center")
        count = f"frame {frame + 1} of {len(self.points)}{self.cut}"
        write(self.axes, self.width / 2, 0.5 * _LINE, count, size=SMALL, color=MUTED, ha="center")

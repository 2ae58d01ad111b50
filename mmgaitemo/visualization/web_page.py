"""One HTML file to look at walks in: orbit, scrub, compare the views side by side. It needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.errors import ConfigError
from mmgaitemo.files import unfinished
from mmgaitemo.skeleton import FIVE_PARTS, Skeleton
from mmgaitemo.visualization.skeleton_plot import visible_joints
from mmgaitemo.visualization.stick_figure import head_joint
from mmgaitemo.visualization.style import PART_COLOURS
from mmgaitemo.visualization.walk_set import PLAYED, Camera, ShownWalk, WalkSet, camera


def write_page(path: str | Path, walks: WalkSet) -> Path:
    """Write the page; the same walks give the same bytes.

    Coordinates stand in it as float32: those of a float32 archive exactly, others to a relative 6e-8. The page asks
    for nothing from elsewhere, and forbids itself to: no script runs but its own, whatever an id or a source says.

    Args:
        path: The ``.html`` file to write; it appears complete or not at all.
        walks: What to show.

    Returns:
        ``path``.

    Raises:
        ConfigError: The suffix is another.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise ConfigError(f"page {path}", "pages are HTML files", found=repr(path.suffix), remedy="end it in .html")
    with unfinished(path) as partial:
        partial.write_text(page(walks), encoding="utf-8")
    return path


def page(walks: WalkSet) -> str:
    """The page of ``write_page`` as text."""
    folder = files("mmgaitemo.visualization") / "templates"
    template, style, *scripts = (
        (folder / name).read_text(encoding="utf-8") for name in ("browser.html", "browser.css", "draw.js", "browse.js")
    )
    script = "".join(scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    pieces = {
        "TITLE": html.escape(walks.title),
        "STYLE": style,
        "SCRIPT_HASH": f"'sha256-{digest}'",
        "SCRIPT": script,
        "FOOTER": "\n".join(f"<p>{html.escape(line)}</p>" for line in _footer(walks)),
        "DATA": _json(_content(walks)),
    }
    # Cut at the marks of the template alone, so that a title that looks like a mark stays a title.
    first, *others = template.split("@@")
    texts, marks = others[1::2], others[0::2]
    return first + "".join(pieces[mark] + text for mark, text in zip(marks, texts, strict=True))


def _footer(walks: WalkSet) -> list[str]:
    facts = {"Source": walks.source, "Licence": walks.licence, "Class names": walks.class_note}
    lines = [f"{name}: {text}" for name, text in facts.items() if text]
    rate = f"not known; played at {PLAYED:g}" if walks.rate is None else f"{walks.rate:g}"
    unit = f"Unit: {walks.unit}. " if walks.unit else ""
    return [*lines, f"Frames a second: {rate}. {unit}Coordinates are 32-bit floating-point numbers (7 digits)."]


def _content(walks: WalkSet) -> dict[str, Any]:
    skeleton = walks.skeleton
    head = head_joint(skeleton)
    return {
        "joints": skeleton.joints,
        "parents": skeleton.parents,
        # The trunk is drawn in the colour of letters, which depends on whether the page is dark.
        "parts": [
            {"name": part, "colour": PART_COLOURS[part] if part != "trunk" else None, "joints": skeleton.parts[part]}
            for part in FIVE_PARTS
        ],
        "head": -1 if head is None else head,
        "rate": walks.rate,
        "played": PLAYED,
        "ground": walks.ground,
        "unit": walks.unit,
        "views": walks.view_names,
        "walks": [_walk(walk, walks, skeleton) for walk in walks.walks],
    }


def _walk(walk: ShownWalk, walks: WalkSet, skeleton: Skeleton) -> dict[str, Any]:
    eye: Camera = camera(walk, skeleton)
    about = " · ".join(filter(None, [walk.label or "unlabelled", walk.subject]))
    return {
        "id": walk.id,
        "about": about,
        "facts": walks.facts(walk),
        "frames": walk.frames,
        "axes": eye.axes.ravel().tolist(),
        "azimuth": eye.azimuth,
        "elevation": eye.elevation,
        "size": eye.size,
        "floor": eye.floor,
        "step": eye.step,
        "views": [
            {"positions": _base64(_masked(view, skeleton)), "path": _base64(eye.paths[name])}
            for name, view in walk.views.items()
        ],
    }


def _masked(view: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """``view`` (T, V, 3) with NaN for joints that are masked."""
    seen = np.array([visible_joints(pose, skeleton) for pose in view])
    return np.where(seen[..., None], view, np.nan)


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def _json(content: dict[str, Any]) -> str:
    """JSON that can stand in HTML: no ``<``, ``>`` or ``&`` that the browser could take for a tag."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

"""Walks to look at, as contact sheet, animation and page take them, and from where each of them is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import Skeleton
from mmgaitemo.visualization.skeleton_plot import AZIMUTH, ELEVATION, view_rotation, visible_joints
from mmgaitemo.visualization.style import finite

PLAYED = 30.0  # frames a second where the rate is not known
_NEGLIGIBLE = 1e-3  # part of the body below which a length is noise


@dataclass(frozen=True)
class ShownWalk:
    """One walk.

    Args:
        id: Its name.
        views: Name -> (T, V, 3), one length T for all; joints that are exactly zero are masked.
        label: Class name; ``None`` = unlabelled.
        subject: The person; empty where unknown.
    """

    id: str
    views: Mapping[str, np.ndarray]
    label: str | None = None
    subject: str = ""

    @property
    def frames(self) -> int:
        """T."""
        return len(next(iter(self.views.values())))


@dataclass(frozen=True)
class WalkSet:
    """Walks of one source.

    Args:
        title: Printed above.
        skeleton: The layout of all walks.
        walks: At least one; all have the same views.
        rate: Frames per second; ``None`` where it is not known.
        unit: Of the coordinates, for the scale of the ground.
        ground: The walks stand on a ground and may travel over it; else they are centred on the body.
        source: Where they come from.
        licence: Under which terms they may be used.
        class_note: What a reader of the class names has to know.

    Raises:
        ConfigError: There is no walk.
        DataError: A view is not (T, V, 3) of this skeleton or not finite, or the views differ.
    """

    title: str
    skeleton: Skeleton
    walks: tuple[ShownWalk, ...]
    rate: float | None = None
    unit: str = ""
    ground: bool = False
    source: str = ""
    licence: str = ""
    class_note: str = ""

    def __post_init__(self) -> None:
        if not self.walks:
            raise ConfigError("walks", "there is none to show", remedy="choose at least one")
        for walk in self.walks:
            where = f"walk {walk.id!r}"
            if list(walk.views) != self.view_names or not walk.views:
                raise DataError(
                    where,
                    "has other views than the first walk",
                    found=list(walk.views),
                    remedy=f"give each walk the views {self.view_names}",
                )
            shape = (walk.frames, self.skeleton.num_joints, 3)
            for name, view in walk.views.items():
                if finite(f"{where}, view {name!r}", view).shape != shape or not walk.frames:
                    raise DataError(
                        f"{where}, view {name!r}",
                        f"layout {self.skeleton.name!r} and the first view need {shape}, at least one frame",
                        found=view.shape,
                        remedy="name the layout that the data is in, and give all views one length",
                    )

    @property
    def view_names(self) -> list[str]:
        """Names of the views of every walk."""
        return list(self.walks[0].views)

    def facts(self, walk: ShownWalk) -> str:
        """What is known of a walk besides its id, in a line."""
        rate = f"{self.rate:g} Hz" if self.rate is not None else ""
        return " · ".join(filter(None, [walk.label or "unlabelled", walk.subject, f"{walk.frames} frames", rate]))


@dataclass(frozen=True)
class Camera:
    """From where a walk is seen, and what stays in the middle of the picture.

    The camera goes with the walker over the ground, but not up and down.

    Args:
        axes: (3, 3) rotation of coordinates into (to the walker's right, up, to the back), with one heading for the
            whole walk.
        azimuth: Angle of the first picture around the vertical; pi looks at the axes straight from the back.
        elevation: Angle of the first picture above the horizon.
        rotation: (3, 3) rotation of coordinates into (right, up, towards the viewer) of the first picture.
        paths: View name -> (T, 3) what the camera follows in each frame, in the coordinates of ``axes``: the body's
            centre seen from above, half way between floor and head.
        size: Largest distance of a joint from there in a usual frame of the widest view: half a body's height.
        floor: Height of the lowest joint in a usual frame, along ``axes``.
    """

    axes: np.ndarray
    azimuth: float
    elevation: float
    rotation: np.ndarray
    paths: Mapping[str, np.ndarray]
    size: float
    floor: float

    def followed(self, name: str, view: np.ndarray) -> np.ndarray:
        """View ``name`` (T, V, 3) in (right, up, towards the viewer) of the first picture, the walker kept in place."""
        return (view - self.paths[name][:, None] @ self.axes) @ self.rotation.T

    @property
    def step(self) -> float:
        """Distance of the lines of the ground: 1, 2 or 5 times a power of ten, at most 0.75 ``size``."""
        power = 10.0 ** np.floor(np.log10(0.75 * self.size))
        return float(power * max(factor for factor in (1, 2, 5) if factor * power <= 0.75 * self.size))

    def ground(self, name: str, frame: int) -> np.ndarray:
        """(L, 2, 3) lines of the ground around the walker, in the coordinates of ``followed``."""
        place, radius, lines = self.paths[name][frame], 1.1 * self.size, []
        for along, across in ((0, 2), (2, 0)):
            first, last = np.ceil((place[across] - radius) / self.step), np.floor((place[across] + radius) / self.step)
            for at in self.step * np.arange(first, last + 1):
                line = np.full((2, 3), self.floor)
                half = np.sqrt(max(radius**2 - (at - place[across]) ** 2, 0))
                line[:, across], line[:, along] = at, [place[along] - half, place[along] + half]
                lines.append(line)
        return (np.array(lines) - place) @ self.axes @ self.rotation.T


def camera(walk: ShownWalk, skeleton: Skeleton) -> Camera:
    """The camera of a walk: walkers go to the right, towards the viewer; planar recordings are seen as filmed.

    The heading comes from the hips of the first view, or is that of the coordinates where the hips tell none.
    """
    first = next(iter(walk.views.values()))
    body = np.eye(3)[[skeleton.lateral, skeleton.up]]
    body = np.vstack([body, np.cross(*body)])
    flat = np.ptp(first[..., skeleton.forward]) <= _NEGLIGIBLE * np.ptp(first)
    turn = np.eye(3) if flat else _to_heading(first, skeleton)
    axes = body @ turn
    seen = {name: np.array([visible_joints(pose, skeleton) for pose in view]) for name, view in walk.views.items()}
    turned = {name: view @ axes.T for name, view in walk.views.items()}
    floor, top = _heights(np.concatenate(list(turned.values()))[..., 1], np.concatenate(list(seen.values())))
    paths, sizes = {}, []
    for name, view in turned.items():
        paths[name] = _path(view, seen[name], skeleton)
        paths[name][:, 1] = (floor + top) / 2
        reach = np.where(seen[name], np.linalg.norm(view - paths[name][:, None], axis=-1), 0).max(axis=1)
        sizes.append(float(np.median(reach[seen[name].any(axis=1)])) if seen[name].any() else 0.0)
    return Camera(
        axes=axes,
        azimuth=np.pi if flat else AZIMUTH,
        elevation=0.0 if flat else ELEVATION,
        rotation=axes if flat else view_rotation(skeleton) @ turn,
        paths=paths,
        size=max(sizes) or 1.0,
        floor=floor,
    )


def _heights(heights: np.ndarray, seen: np.ndarray) -> tuple[float, float]:
    """Of the lowest and the highest joint in a usual frame that shows any; (T, V) both arguments."""
    there = seen.any(axis=1)
    if not there.any():
        return 0.0, 0.0
    low = np.where(seen, heights, np.inf).min(axis=1)[there]
    high = np.where(seen, heights, -np.inf).max(axis=1)[there]
    return float(np.median(low)), float(np.median(high))


def _to_heading(view: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(3, 3) rotation about the vertical that brings the mean left hip to the negative lateral side of the right."""
    left, right = skeleton.hips
    plane = [skeleton.lateral, skeleton.forward]
    lateral, forward = (view[:, left] - view[:, right]).mean(axis=0)[plane]
    width = float(np.hypot(lateral, forward))
    turn = np.eye(3)
    if width > _NEGLIGIBLE * np.ptp(view - view.mean(axis=1, keepdims=True)):
        cos, sin = -lateral / width, forward / width
        turn[np.ix_(plane, plane)] = [[cos, -sin], [sin, cos]]
    return turn


def _path(view: np.ndarray, seen: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T, 3) centre of the body; frames that do not show it take it from their neighbours."""
    centre = list(skeleton.centre)
    there = np.flatnonzero(seen[:, centre].all(axis=1))
    if not len(there):
        return np.zeros((len(view), 3))  # masks are made on centred bodies
    middle = view[:, centre].mean(axis=1)
    return np.stack([np.interp(np.arange(len(view)), there, middle[there, axis]) for axis in range(3)], axis=1)

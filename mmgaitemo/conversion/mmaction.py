"""mmaction2's and pyskl's skeleton annotations, read: one pickle with ``annotations`` and the ``split`` they are in.

An annotation is a dict: ``frame_dir`` (its name), ``total_frames`` T, ``label`` (class id), ``keypoint`` (M, T, V, C)
of M persons, ``keypoint_score`` (M, T, V), ``img_shape`` (height, width); no rate, no unit, no class names.
Two layouts occur: COCO's 17 keypoints in pixels (C = 2), and the 25 joints of Kinect v2 in metres, y up, as in NTU
RGB+D (C = 3). Source: the data set pages of mmaction2 and pyskl, and mmaction2's ``PoseDataset``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.conversion.safe_pickle import load_plain
from mmgaitemo.errors import DataError

_MOST_CLASSES = 1000  # the names have to fit into one HDF5 attribute of 64 KiB
_FORM = "write dict(split={name: [frame_dir, ...]}, annotations=[dict(frame_dir=..., keypoint=..., ...), ...])"


@dataclass(frozen=True)
class _Layout:
    skeleton: str
    unit: str
    up: str


_LAYOUTS = {(17, 2): _Layout("coco17", "pixel", "-y"), (25, 3): _Layout("kinect25", "m", "y")}


def annotation_sources(
    path: Path, *, person: int | None, names: Sequence[str] | None, rate: float | None
) -> tuple[list[Source], ArchiveInfo]:
    """The walks of an annotation file, and what their archive is.

    Where there are several persons in an annotation, nobody knows which of them walks: it is refused, unless
    ``person`` says which one to take. A keypoint at (0, 0) of score 0, and a 3-D frame with all joints at the origin,
    is how such files say that nothing was found: it counts as missing.

    Args:
        path: The pickle.
        person: Index into the M axis; ``None`` where M is 1.
        names: Class names in the order of the ids; ``None`` for "0", "1", ...
        rate: Frames per second, as the file does not say; ``None`` = unknown.

    Raises:
        DataError: The file is damaged, asks for code, or is no annotation file of a known layout.
    """
    annotations, splits = _load(path)
    layouts = [layout for entry in annotations if (layout := _layout(entry))]
    if not layouts:
        found = sorted({str(keypoint.shape) for entry in annotations if (keypoint := _keypoint(entry)) is not None})
        raise DataError(
            str(path),
            "no annotation has keypoints (M, T, 17, 2) in COCO's order or (M, T, 25, 3) in Kinect's",
            found=f"shapes {found[:3]}",
            remedy="reorder its joints to one of them, or convert the coordinates with generic.py",
        )
    if (
        sum(keypoint.nbytes for entry in annotations if (keypoint := _keypoint(entry)) is not None)
        > path.stat().st_size
    ):
        raise DataError(
            str(path), "one array is used by several annotations", remedy="give each walk its own keypoints"
        )
    if names is None:
        ids = [entry["label"] for entry in annotations if _is_label(entry.get("label"))]
        names = [str(number) for number in range(max(ids, default=-1) + 1)]
    info = ArchiveInfo(
        skeleton=layouts[0].skeleton,
        unit=layouts[0].unit,
        up=layouts[0].up,
        rate=rate,
        label_names=tuple(names),
        source="annotation file of mmaction2's form",
    )
    reader = _Reader(path, splits, layouts[0], person, info)
    return [
        Source(reader.where(number), partial(reader.read, number, entry)) for number, entry in enumerate(annotations)
    ], info


def read_label_names(path: Path) -> list[str]:
    """Class names in the order of their ids, one a line.

    Raises:
        DataError: There is no such file, or it is no list of different names.
    """
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), "cannot be read", found=error, remedy="name a text file of class names") from None
    if not names or len({*names}) != len(names) or len(names) > _MOST_CLASSES or not all(map(_is_text, names)):
        raise DataError(
            str(path), f"needs 1 to {_MOST_CLASSES} different names, one a line", remedy="list them by their ids"
        )
    return names


def _load(path: Path) -> tuple[list[dict], dict[str, list[str]]]:
    """Annotations, and frame_dir -> the splits it is in."""
    data = load_plain(path)
    if isinstance(data, list):  # the older form: a file per split
        data = {"annotations": data, "split": {}}
    annotations, splits = (data.get("annotations"), data.get("split", {})) if isinstance(data, dict) else (None, None)
    if (
        not isinstance(annotations, list)
        or not all(isinstance(entry, dict) for entry in annotations)
        or not annotations
    ):
        raise DataError(str(path), "is no annotation file", remedy=_FORM)
    members: dict[str, list[str]] = defaultdict(list)
    if not isinstance(splits, dict):
        raise DataError(str(path), "'split' is no dict", found=type(splits).__name__, remedy=_FORM)
    for name, listed in splits.items():
        where = f"{path}, split {name!a}"
        if not _is_text(name) or "," in name:
            raise DataError(where, "is no name, or has a comma in it", remedy="rename the split")
        if not isinstance(listed, (list, tuple)) or not all(isinstance(member, str) for member in listed):
            raise DataError(where, "is no list of frame_dir", remedy=_FORM)
        for member in dict.fromkeys(listed):
            members[member].append(name)
    return annotations, members


@dataclass(frozen=True)
class _Reader:
    """From one annotation to a recording."""

    path: Path
    splits: Mapping[str, Sequence[str]]
    layout: _Layout
    person: int | None
    info: ArchiveInfo

    def where(self, number: int) -> str:
        """The annotation, for messages."""
        return f"{self.path}, annotation {number}"

    def read(self, number: int, entry: dict) -> Iterator[Recording]:
        """The walk of an annotation."""
        where = self.where(number)
        name = _text(entry, "frame_dir", where)
        if not name:
            raise DataError(where, "'frame_dir' is empty or not there", remedy="give each annotation a name")
        where = f"{where} {name!r}"
        keypoint = self._person(entry, where)
        score = entry.get("keypoint_score")
        if score is not None:
            if not isinstance(score, np.ndarray) or score.shape != entry["keypoint"].shape[:3]:
                raise DataError(where, "'keypoint_score' is not (M, T, V) like 'keypoint'", remedy="correct it")
            score = score[self.person or 0].astype(np.float64)
        positions = np.zeros((*keypoint.shape[:2], 3))
        positions[..., : keypoint.shape[2]] = keypoint
        absent = (positions == 0).all(axis=2)
        if self.layout.unit != "pixel":
            absent &= absent.all(axis=1, keepdims=True)
        elif score is not None:
            absent &= score == 0
        else:
            absent[:] = False
        positions[absent] = np.nan
        yield Recording(
            id=name,
            positions=positions,
            rate=self.info.rate,
            subject=_text(entry, "subject", where),
            group=_text(entry, "group", where) or None,
            label=self._label(entry, where),
            extra={"split": ",".join(self.splits.get(name, ())), **_image(entry, where)},
            score=score,
        )

    def _person(self, entry: dict, where: str) -> np.ndarray:
        """(T, V, C) of the person."""
        keypoint = _keypoint(entry)
        if keypoint is None or _layout(entry) != self.layout:
            raise DataError(
                where,
                f"'keypoint' is not (M, T, V, C) of layout {self.layout.skeleton}, that of the first annotation",
                found="no array" if keypoint is None else keypoint.shape,
                remedy="put other layouts into files of their own",
            )
        persons, frames = keypoint.shape[:2]
        stated = entry.get("total_frames", frames)
        if type(stated) is not int or stated != frames:
            raise DataError(where, f"'total_frames' is not {frames}, as in 'keypoint'", remedy="correct it")
        if self.person is None and persons > 1:
            raise DataError(
                where,
                "shows several persons, and does not say who walks",
                found=f"{persons} persons",
                remedy="pass --person 0 to take the first, ...",
            )
        if not (self.person or 0) < persons:
            raise DataError(
                where, "has no such person", found=f"{persons} persons", remedy="pass another --person, counted from 0"
            )
        return keypoint[self.person or 0].astype(np.float64)

    def _label(self, entry: dict, where: str) -> str | None:
        label = entry.get("label")
        if label is None:
            return None
        if not _is_label(label) or label >= len(self.info.label_names):
            raise DataError(
                where,
                f"'label' is no class id from 0 to {max(len(self.info.label_names), 1) - 1}",
                found=label if isinstance(label, (int, float)) else type(label).__name__,
                remedy="correct it, or list all class names in the file of --labels",
            )
        return self.info.label_names[label]


def _layout(entry: dict) -> _Layout | None:
    keypoint = _keypoint(entry)
    return None if keypoint is None or keypoint.ndim != 4 else _LAYOUTS.get(keypoint.shape[2:])


def _image(entry: dict, where: str) -> dict[str, int]:
    """Height and width of the image, where they are given."""
    shape = entry.get("img_shape")
    if shape is None:
        return {}
    if not (
        isinstance(shape, (tuple, list))
        and len(shape) >= 2
        and all(type(v) is int and 0 < v < 1 << 31 for v in shape[:2])
    ):
        raise DataError(where, "'img_shape' is not (height, width)", remedy="correct it, or leave it out everywhere")
    return {"img_height": shape[0], "img_width": shape[1]}


def _keypoint(entry: dict) -> np.ndarray | None:
    """The coordinates, if there are any."""
    keypoint = entry.get("keypoint")
    return keypoint if isinstance(keypoint, np.ndarray) and keypoint.dtype.kind in "iuf" else None


def _text(entry: dict, key: str, where: str) -> str:
    """A text of the annotation, empty where it has none."""
    text = entry.get(key, "")
    if not isinstance(text, str) or (text and not _is_text(text)):
        raise DataError(where, f"{key!r} is no plain text", remedy="correct it")
    return text


def _is_label(label: Any) -> bool:
    return type(label) is int and 0 <= label < _MOST_CLASSES


def _is_text(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= 1000 and text.isprintable()

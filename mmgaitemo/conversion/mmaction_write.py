"""A gait archive as an annotation file that mmaction2 and pyskl train on; see ``mmaction.py`` for its form."""

from __future__ import annotations

import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.archive import UNITS, GaitArchive
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.files import unfinished
from mmgaitemo.motion.axes import upright
from mmgaitemo.skeleton import get_skeleton

# Names of the layouts in mmaction2's and pyskl's Graph.
GRAPHS = {"coco17": "coco", "kinect25": "nturgb+d"}
_SPLIT = "all"  # where the archive has no column of splits


def annotations_of(archive: GaitArchive, image: tuple[int, int] | None) -> dict[str, Any]:
    """The archive as plain dicts, lists and float32 arrays, all in memory, as mmaction2 holds them.

    Pixels become (1, T, V, 2) and a score, 1 where the archive has none; other units (1, T, V, 3) in metres, y up, or
    as they are where the unit is the body's. Unlabelled walks have no ``label``. ``subject`` and ``group`` are keys of
    our own, which mmaction2 passes over. Columns other than ``split`` and the size of the image are left behind.

    Args:
        archive: Open.
        image: (height, width) of the image; ``None`` takes the columns ``img_height`` and ``img_width``.

    Raises:
        ConfigError: The size of the image is needed, and not known.
        DataError: The archive is damaged, or keypoints in pixels have a depth, or another up axis than ``-y``.
    """
    info, skeleton = archive.info, get_skeleton(archive.info.skeleton)
    flat = info.unit == "pixel"
    if flat and info.up != "-y":
        raise DataError(str(archive.path), "in images y runs down", found=f"up axis {info.up}", remedy="convert anew")
    heights, widths = (archive.extra.get(name) for name in ("img_height", "img_width"))
    if flat and image is None and (heights is None or widths is None):
        raise ConfigError("--img-shape", "the archive does not say how large the image is", remedy="give HEIGHT WIDTH")
    metres = UNITS[info.unit] or 1.0
    annotations = []
    splits: dict[str, list[str]] = defaultdict(list)
    listed = archive.extra.get("split", [""] * len(archive))
    whole = not any(listed)
    for number, positions in enumerate(archive.iterate()):
        score = archive.score(number)
        name = archive.ids[number]
        entry: dict[str, Any] = {"frame_dir": name, "total_frames": len(positions)}
        if archive.labels[number] >= 0:
            entry["label"] = int(archive.labels[number])
        if flat:
            if positions[..., 2].any():
                raise DataError(
                    f"{archive.path}, walk {name!r}", "keypoints in pixels have a depth", remedy="name another unit"
                )
            keypoint = positions[..., :2]
            score = np.ones(positions.shape[:2]) if score is None else score
            height, width = image or (int(heights[number]), int(widths[number]))  # type: ignore[index]
            entry |= {"img_shape": (height, width), "original_shape": (height, width)}
        else:
            keypoint = upright(positions, info.up, skeleton)
            keypoint = keypoint * metres if metres != 1 else keypoint
        entry["keypoint"] = np.ascontiguousarray(keypoint[None], dtype=np.float32)
        if score is not None:
            entry["keypoint_score"] = np.ascontiguousarray(score[None], dtype=np.float32)
        annotations.append(entry | {"subject": archive.subjects[number], "group": archive.groups[number]})
        for split in [_SPLIT] if whole else filter(None, str(listed[number]).split(",")):
            splits[split].append(name)
    return {"split": dict(splits), "annotations": annotations}


def check_pickle_target(path: Path, *, force: bool) -> Path:
    """The path, if an annotation file may be written there.

    Raises:
        ConfigError: It has another suffix, or is taken.
    """
    if path.suffix != ".pkl":  # mmaction2 asks for it
        raise ConfigError(str(path), "an annotation file's name ends in .pkl", remedy="write for example walks.pkl")
    if path.is_dir() or (path.exists() and not force):
        raise ConfigError(str(path), "exists already", remedy="name another file, or pass --force to replace it")
    return path


def write_pickle(data: dict[str, Any], path: Path) -> None:
    """Write with protocol 4, which Python 3.4 and later read; the file appears whole or not at all.

    Raises:
        ConfigError: It cannot be written there.
    """
    try:
        with unfinished(path) as partial, partial.open("xb") as file:
            pickle.dump(data, file, protocol=4)
    except OSError as error:
        raise ConfigError(
            str(path), "cannot be written", found=error, remedy="name a file in a folder of yours"
        ) from None

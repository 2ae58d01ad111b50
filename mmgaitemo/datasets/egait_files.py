"""E-Gait's native files: ``features.h5`` and ``labels.h5``, read whole and checked to the last value.

``features.h5`` holds one HDF5 data set (T, 3 V) per gait; a row is x, y, z of each joint, in the layout's order, y up.
``labels.h5`` holds one whole number per gait, under the same keys.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mmgaitemo.errors import DataError
from mmgaitemo.skeleton import Skeleton

HOW_TO_GET_EGAIT = (
    "request or download Emotion-Gait (E-Gait) from its authors, then put features.h5 and labels.h5 into the data root "
    "or set MMGAITEMO_EGAIT to their folder"
)
SYNTHETIC_DEFAULT = "without any data, the synthetic walkers run: python tools/train.py configs/ssal_synthgait.py"


def some(keys: Collection[str]) -> str:
    """At most three of the keys, in order, and how many more there are."""
    first = sorted(keys)[:3]
    more = len(keys) - len(first)
    return ", ".join(map(repr, first)) + (f" and {more} more" if more else "")


def require_file(path: Path, remedy: str) -> None:
    """Stop unless the path is a file.

    Raises:
        DataError: Nothing is there, or a folder.
    """
    if path.is_dir():
        raise DataError(str(path), "this is a folder, a file is needed", remedy=f"name the file in it; {remedy}")
    if not path.is_file():
        raise DataError(str(path), "no such file", remedy=remedy)


def _read_hdf5(path: Path, how_to_get: str) -> dict[str, Any]:
    """Every data set of the file's top level, as h5py gives it; a group inside as ``None``."""
    require_file(path, f"{how_to_get}; {SYNTHETIC_DEFAULT}")
    try:
        with h5py.File(path, "r") as file:
            entries = {key: _content(item) for key, item in file.items()}
    except Exception as error:  # h5py reports damage by nearly every type, depending on the byte that is broken
        raise DataError(
            str(path),
            "the file is not HDF5, is truncated or is damaged",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            remedy="copy it again and compare its size and checksum with the source's",
        ) from None
    unreadable = [key for key in entries if not isinstance(key, str)]
    if unreadable:
        raise DataError(
            str(path),
            "a key is not UTF-8 text",
            found=repr(unreadable[0]),
            remedy="rename it, or copy the file again",
        )
    if not entries:
        raise DataError(str(path), "the file holds no gait", remedy="copy it again, or leave this pair of files out")
    return entries


def _content(item: Any) -> Any:
    if not isinstance(item, h5py.Dataset):
        return None
    # No compression reaches a factor of a thousand: the rest was never written, and would be read as zeros.
    if item.nbytes > 1000 * max(item.id.get_storage_size(), 1 << 10):
        raise OSError(f"{item.name} announces {item.nbytes} bytes and holds {item.id.get_storage_size()}")
    return item[()]


def read_features(
    path: Path, skeleton: Skeleton, *, frame_step: int = 1, how_to_get: str = HOW_TO_GET_EGAIT
) -> dict[str, np.ndarray]:
    """Read the coordinates of every gait.

    Args:
        path: The HDF5 file.
        skeleton: Layout of a row.
        frame_step: Keep every so many-th frame.
        how_to_get: Remedy for a missing file.

    Returns:
        Key to float64 (T, V, 3), unit and place as in the file, keys sorted; T is at least 2, all values are finite.

    Raises:
        DataError: The file is missing or unreadable, or an entry is no gait in this layout.
    """
    gaits = {}
    for key, table in read_tables(path, skeleton, how_to_get=how_to_get).items():
        if isinstance(table, DataError):
            raise table
        gaits[key] = _gait(table, f"{path}, key {key!r}", skeleton, frame_step)
    return gaits


def read_tables(path: Path, skeleton: Skeleton, *, how_to_get: str) -> dict[str, np.ndarray | DataError]:
    """Read every table of coordinates as it stands: any number of frames, gaps as NaN.

    Returns:
        Key to float64 (T, V, 3), keys sorted; an entry that is no table of numbers in this layout gives its error.

    Raises:
        DataError: The file is missing or unreadable.
    """
    tables: dict[str, np.ndarray | DataError] = {}
    for key, entry in sorted(_read_hdf5(path, how_to_get).items()):
        try:
            tables[key] = _table(entry, f"{path}, key {key!r}", skeleton)
        except DataError as error:
            tables[key] = error
    return tables


def _table(rows: Any, where: str, skeleton: Skeleton) -> np.ndarray:
    columns = 3 * skeleton.num_joints
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind not in "iuf":
        shape = f"{rows.dtype} of shape {rows.shape}" if hasattr(rows, "dtype") else type(rows).__name__
        raise DataError(
            where,
            "a gait is a table of numbers, one row per frame",
            found="a group or a broken link" if rows is None else shape,
            remedy="store it as a data set (frames, 3 x joints) of floats",
        )
    if rows.shape[1] != columns:
        raise DataError(
            where,
            f"layout {skeleton.name!r} needs {columns} columns, x, y, z of {skeleton.num_joints} joints",
            found=f"{rows.shape[1]} columns",
            remedy="name the layout that the file is in as skeleton, or convert the file",
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number is found later
        return rows.astype(np.float64).reshape(len(rows), skeleton.num_joints, 3)


def _gait(positions: np.ndarray, where: str, skeleton: Skeleton, frame_step: int) -> np.ndarray:
    frames = len(positions)
    kept = len(positions[::frame_step])
    if kept < 2:
        raise DataError(
            where,
            "the sequence is empty" if not frames else "the sequence has one frame, a movement needs two",
            found=f"{frames} frame(s) in the file, {kept} kept with frame_step={frame_step}",
            remedy="remove the key from both files" if frames < 2 else "use a smaller frame_step",
        )
    if not np.isfinite(positions).all():
        bad = np.argwhere(~np.isfinite(positions))
        frame, joint, axis = bad[0]
        first = f"{positions[frame, joint, axis]} at frame {frame}, joint {skeleton.joints[joint]!r}"
        raise DataError(
            where,
            "a coordinate is not a finite number",
            found=f"{first}; {len(bad)} such value(s) in all",
            remedy="interpolate the gap or remove the key from both files",
        )
    return positions[::frame_step]


def read_labels(
    path: Path, features: Path, keys: Collection[str], classes: tuple[str, ...], *, how_to_get: str = HOW_TO_GET_EGAIT
) -> dict[str, int]:
    """Read the label of every gait.

    Args:
        path: The HDF5 file.
        features: Its partner, for the message.
        keys: Keys of the partner.
        classes: Names of the classes; labels are 0 .. len(classes) - 1.
        how_to_get: Remedy for a missing file.

    Returns:
        Key to class id.

    Raises:
        DataError: The file is missing or unreadable, its keys are not the partner's, or a value is no class id.
    """
    entries = _read_hdf5(path, how_to_get)
    unlabelled, strangers = set(keys) - set(entries), set(entries) - set(keys)
    if unlabelled or strangers:
        sides = [(unlabelled, f"only in {features.name}"), (strangers, f"only in {path.name}")]
        raise DataError(
            str(path),
            f"the keys differ from those of {features}",
            found="; ".join(f"{text}: {some(side)}" for side, text in sides if side),
            remedy="use two files that belong together",
        )
    return {key: _label(value, f"{path}, key {key!r}", classes) for key, value in entries.items()}


def _label(entry: Any, where: str, classes: tuple[str, ...]) -> int:
    value = np.asarray(entry)
    if value.size != 1 or value.dtype.kind not in "iuf" or value.item() % 1 != 0:  # nan and inf leave a nan
        raise DataError(
            where,
            "a label is one whole number",
            found="a group or a broken link" if entry is None else str(entry)[:80],
            remedy=f"store a class id, 0 to {len(classes) - 1}",
        )
    label = int(value.item())
    if not 0 <= label < len(classes):
        raise DataError(
            where,
            f"the label is outside the {len(classes)} classes 0 to {len(classes) - 1} {classes}",
            found=label,
            remedy="correct the file, or list all classes in the config (classes=...)",
        )
    return label

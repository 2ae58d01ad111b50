"""Writing an archive walk by walk; the file appears complete or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from mmgaitemo.archive.info import FORMAT, SUFFIX, VERSION, ArchiveInfo
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import get_skeleton

_BUFFER = 1 << 24  # bytes of coordinates collected before they go to the file
_CHUNK = 1 << 18  # bytes of an HDF5 chunk: a walk of two seconds is a tenth of it
LARGEST = 1e9  # coordinates beyond it are no positions in any unit; float32 would keep 64 units of them
_SPARE = 1 << 22  # bytes that stay free on the disk
_MOST_LABELS = 1000  # HDF5 attributes hold 64 KiB
TEXT = h5py.string_dtype("utf-8")


def check_target(path: str | Path, force: bool) -> Path:
    """The path, if an archive may be written there.

    Raises:
        ConfigError: It has another suffix, is taken, or lies inside a file.
    """
    path = Path(path)
    if not path.name.endswith(SUFFIX) or path.name == SUFFIX:
        raise ConfigError(str(path), f"an archive's name ends in {SUFFIX}", remedy=f"write for example walks{SUFFIX}")
    if path.is_dir():
        raise ConfigError(str(path), "this is a folder", remedy="name a file")
    if path.exists() and not force:
        raise ConfigError(str(path), "exists already", remedy="name another file, or pass --force to replace it")
    parent = next(folder for folder in path.resolve().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ConfigError(str(path), "cannot be written there", found=parent, remedy="name a file in a folder of yours")
    return path


class ArchiveWriter:
    """Writes an archive; use it as a context manager.

    The walks go to a file beside ``path`` that takes its name when the block ends without an error, and is removed
    otherwise. Memory does not grow with the coordinates, only with the index (id, subject, ...).

    Args:
        path: The archive, ``*.gait.h5``; missing folders are made.
        info: Its attributes. With empty ``label_names`` the names are those that occur, sorted. May be set anew until
            the block ends.
        force: Replace a file of this name.
        dtype: Of the coordinates, ``float32`` or ``float64``.
        dry_run: Check every walk and write nothing.

    Raises:
        ConfigError: ``path`` or ``dtype`` is impossible.
    """

    def __init__(
        self,
        path: str | Path,
        info: ArchiveInfo,
        *,
        force: bool = False,
        dtype: str = "float32",
        dry_run: bool = False,
    ) -> None:
        if dtype not in ("float32", "float64"):
            raise ConfigError("dtype", "no such type of coordinates", found=repr(dtype), remedy="float32 or float64")
        self.path = check_target(path, force or dry_run)
        self.info, self._dry_run = info, dry_run
        self._dtype = np.dtype(dtype)
        self._joints = get_skeleton(info.skeleton).num_joints
        self._index: dict[str, list[Any]] = {key: [] for key in ("id", "subject", "label", "group", "length")}
        self._extra: dict[str, list[Any]] = {}
        self._ids: set[str] = set()
        self._labels: set[str] = set()
        self._scored: bool | None = None
        self._buffers: dict[str, list[np.ndarray]] = {"positions": [], "score": []}
        self._buffered = 0

    def __enter__(self) -> ArchiveWriter:
        if self._dry_run:
            return self
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._require_room(0)
        self._unfinished = self.path.with_name(f".{uuid.uuid4().hex}.gait.tmp")
        self._file = h5py.File(self._unfinished, "w-")
        self._make("positions", (self._joints, 3), self._dtype)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dry_run:
            return
        try:
            if kind is None:
                self._flush()
                self._finish()
            self._file.close()
            if kind is None:
                os.replace(self._unfinished, self.path)
        finally:
            if self._file:  # an error above left it open
                self._file.close()
            self._unfinished.unlink(missing_ok=True)

    def append(
        self,
        positions: np.ndarray,
        *,
        id: str,
        subject: str = "",
        label: str | None = None,
        group: str | None = None,
        extra: Mapping[str, str | int | float] | None = None,
        score: np.ndarray | None = None,
    ) -> None:
        """Add a walk.

        Args:
            positions: (T, V, 3) finite coordinates in the archive's unit; T at least 2.
            id: Unique name of the walk.
            subject: The person; empty where unknown.
            label: Class name; ``None`` = unlabelled.
            group: What no split may part; the subject by default, or the id where there is none.
            extra: Further columns; every walk has to have the same ones.
            score: (T, V) confidence of a pose estimator; given for all walks or none.

        Raises:
            DataError: The walk is none, or does not fit the others; nothing of it has been written.
        """
        where, extra = f"walk {id!r}", dict(extra or {})
        self._check_coordinates(where, positions, score)
        _check_storable(where, (id, subject, label, group), extra)
        names = self.info.label_names
        if label is not None and label not in self._labels:
            if len(self._labels) == _MOST_LABELS:
                raise DataError(where, f"more than {_MOST_LABELS} labels", found=label, remedy="correct the labels")
            self._labels.add(label)
        if not isinstance(id, str) or not id or id in self._ids:
            raise DataError(where, "the id is empty or was used before", found=repr(id), remedy="use unique ids")
        if label is not None and (not label or (names and label not in names)):
            raise DataError(where, "the archive has no such label", found=repr(label), remedy=f"use one of {names}")
        if self._ids and set(extra) != set(self._extra):
            found = sorted(set(extra) ^ set(self._extra))
            raise DataError(where, "has other extra columns than the walks before", found=found, remedy="fill them all")
        if self._scored not in (None, score is not None):
            raise DataError(where, "either all walks have scores or none", remedy="leave the scores out")
        self._scored = score is not None
        self._ids.add(id)
        row: dict[str, Any] = {
            "id": id,
            "subject": subject,
            "label": label,
            "group": group or subject or id,
            "length": len(positions),
        }
        for key, value in row.items():
            self._index[key].append(value)
        for key, entry in extra.items():
            self._extra.setdefault(key, []).append(entry)
        if self._dry_run:
            return
        self._buffers["positions"].append(np.array(positions, dtype=self._dtype))
        if score is not None:
            if "score" not in self._file:
                self._make("score", (self._joints,), np.dtype("float32"))
            self._buffers["score"].append(np.array(score, dtype=np.float32))
        self._buffered += self._buffers["positions"][-1].nbytes
        if self._buffered > _BUFFER:
            self._flush()

    def _check_coordinates(self, where: str, positions: np.ndarray, score: np.ndarray | None) -> None:
        if positions.ndim != 3 or positions.shape[1:] != (self._joints, 3) or len(positions) < 2:
            raise DataError(
                where,
                f"layout {self.info.skeleton!r} needs positions (T, {self._joints}, 3) with T of at least 2",
                found=positions.shape,
                remedy="name the layout that the data is in, or leave the walk out",
            )
        # "not <=" is true of NaN, too.
        if positions.dtype.kind not in "iuf" or not max(positions.max(), -positions.min()) <= LARGEST:
            raise DataError(
                where,
                "a coordinate is no finite number, or beyond 1e9",
                found=f"{positions.min()} to {positions.max()}" if positions.dtype.kind in "iuf" else positions.dtype,
                remedy="repair the gaps, choose a larger unit, or leave the walk out",
            )
        if score is not None and (score.shape != positions.shape[:2] or not (np.abs(score) <= LARGEST).all()):
            raise DataError(
                where, "the scores must be finite and (T, V)", found=score.shape, remedy="correct or leave them out"
            )

    def _make(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        frame = int(np.prod(shape)) * dtype.itemsize
        chunk = (max(_CHUNK // frame, 1), *shape)
        self._file.create_dataset(name, shape=(0, *shape), maxshape=(None, *shape), dtype=dtype, chunks=chunk)

    def _require_room(self, size: int) -> None:
        # HDF5 1.14 does not survive a full disk: closing the file then ends the process by a signal.
        free = shutil.disk_usage(self.path.parent).free
        if free < size + _SPARE:
            raise ConfigError(str(self.path), "the disk is full", found=f"{free} bytes free", remedy="make room")

    def _flush(self) -> None:
        self._require_room(self._buffered)
        for name, buffer in self._buffers.items():
            if buffer:
                block = np.concatenate(buffer)
                data = self._file[name]
                start = len(data)
                data.resize(start + len(block), axis=0)
                data[start:] = block
                buffer.clear()
        self._buffered = 0

    def _finish(self) -> None:
        if not self._ids:
            raise DataError(str(self.path), "no walk was written", remedy="append at least one walk")
        labels = self._index.pop("label")
        names = self.info.label_names or tuple(sorted({label for label in labels if label is not None}))
        self.info = replace(self.info, label_names=names)
        index = {name: number for number, name in enumerate(names)}
        self._file["label"] = np.array([-1 if label is None else index[label] for label in labels], dtype=np.int64)
        self._file["length"] = np.array(self._index.pop("length"), dtype=np.int64)
        for key, column in self._index.items():
            self._file.create_dataset(key, data=column, dtype=TEXT)
        extra = self._file.create_group("extra")
        for key, column in self._extra.items():
            number = all(isinstance(value, (int, float, np.number)) for value in column)
            extra.create_dataset(
                key, data=column if number else [str(value) for value in column], dtype=None if number else TEXT
            )
        skeleton = get_skeleton(self.info.skeleton)
        self._file.attrs.update(
            {
                "format": FORMAT,
                "version": VERSION,
                "skeleton": self.info.skeleton,
                "rate": np.nan if self.info.rate is None else float(self.info.rate),
                "unit": self.info.unit,
                "up": self.info.up,
                "source": self.info.source,
                "licence": self.info.licence,
            }
        )
        self._file.attrs.create("label_names", list(names), shape=(len(names),), dtype=TEXT)
        self._file.attrs.create("joints", list(skeleton.joints), dtype=TEXT)


def _check_storable(where: str, facts: Iterable[object], extra: Mapping[str, str | int | float]) -> None:
    """Refuse what HDF5 cannot hold."""
    texts = [text for text in (*facts, *extra, *extra.values()) if isinstance(text, str)]
    if odd := [text for text in texts if "\0" in text or not _is_utf8(text)]:
        raise DataError(where, "a text cannot be stored", found=ascii(odd[0])[:80], remedy="use plain text")
    if odd := [name for name in extra if not name or "/" in name or not name.strip(".")]:
        raise DataError(where, "a column cannot be called so", found=odd, remedy="use letters, digits and _")
    if odd := [name for name, value in extra.items() if isinstance(value, int) and not -(2**63) <= value < 2**63]:
        raise DataError(where, "a whole number is beyond 64 bits", found=odd, remedy="write it as text")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Reading an archive: the index at once, the coordinates slice by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from mmgaitemo.archive.info import FORMAT, VERSION, ArchiveInfo
from mmgaitemo.errors import DataError, GaitError
from mmgaitemo.skeleton import get_skeleton

_BLOCK = 1 << 22  # bytes of coordinates read at a time
_COPY = "convert the recordings again, or copy the file again and compare checksums"
COLUMNS = ("id", "subject", "group")


class GaitArchive:
    """An open archive; use it as a context manager, or call ``close``.

    The index is in memory: ``lengths`` (N,) int64, ``ids``, ``subjects``, ``groups`` (lists of N texts), ``labels``
    (N,) int64 (-1 = unlabelled), ``extra`` (name -> N values) and ``info``. Coordinates are read when asked for.

    Args:
        path: The file.

    Raises:
        DataError: There is no file, it is damaged, or it is no archive of this version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(
                str(path),
                "no such archive",
                remedy="make it with one of tools/dataset_converters, or correct the path (docs/archive.md)",
            )
        try:
            self._file = h5py.File(self.path, "r")
        except Exception as error:  # h5py reports damage by nearly every type
            raise self._damaged("the file is not HDF5, is truncated or is damaged", error) from None
        try:
            self._read_index()
        except GaitError:
            self._file.close()
            raise
        except Exception as error:
            self._file.close()
            raise self._damaged("the file is no gait archive, or is damaged", error) from None

    def __enter__(self) -> GaitArchive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the index stays."""
        self._file.close()

    def __len__(self) -> int:
        return len(self.ids)

    def positions(self, index: int) -> np.ndarray:
        """(T, V, 3) coordinates of a walk, as stored.

        Raises:
            DataError: They cannot be read, or are not finite.
        """
        return next(self.iterate([range(len(self))[index]]))

    def score(self, index: int) -> np.ndarray | None:
        """(T, V) confidence of a pose estimator in a walk; ``None`` where the archive has none.

        Raises:
            DataError: They cannot be read, or are not finite.
        """
        if self._scores is None:
            return None
        index = range(len(self))[index]
        try:
            score = self._scores[self._starts[index] : self._starts[index + 1]]
        except Exception as error:
            raise self._damaged(f"the scores of walk {self.ids[index]!r} cannot be read", error) from None
        self._require_finite(index, score, "score")
        return score

    def iterate(self, indices: Sequence[int] | None = None) -> Iterator[np.ndarray]:
        """The coordinates (T, V, 3) of the walks, in the order of ``indices`` (default: all).

        Neighbouring walks are read together, so that many small ones cost few accesses; memory stays flat.

        Raises:
            DataError: They cannot be read, or are not finite.
        """
        indices = range(len(self)) if indices is None else indices
        frame = self._positions.dtype.itemsize * int(np.prod(self._positions.shape[1:]))
        run: list[int] = []
        frames = 0
        for index in map(range(len(self)).__getitem__, indices):
            if run and (index != run[-1] + 1 or (frames + self.lengths[index]) * frame > _BLOCK):
                yield from self._read(run)
                run, frames = [], 0
            run.append(index)
            frames += int(self.lengths[index])
        if run:
            yield from self._read(run)

    def _read(self, run: list[int]) -> Iterator[np.ndarray]:
        start, stop = int(self._starts[run[0]]), int(self._starts[run[-1] + 1])
        try:
            block = self._positions[start:stop]
        except Exception as error:
            raise self._damaged(f"the coordinates of walk {self.ids[run[0]]!r} cannot be read", error) from None
        for index in run:
            walk = block[int(self._starts[index]) - start : int(self._starts[index + 1]) - start]
            self._require_finite(index, walk, "coordinate")
            yield walk

    def _require_finite(self, index: int, values: np.ndarray, what: str) -> None:
        if not np.isfinite(values).all():
            raise DataError(
                f"{self.path}, walk {self.ids[index]!r}",
                f"a {what} is not a finite number",
                found=f"{np.count_nonzero(~np.isfinite(values))} of {values.size} values",
                remedy=_COPY,
            )

    def _read_index(self) -> None:
        attributes = dict(self._file.attrs)
        if attributes.get("format") != FORMAT:
            raise DataError(
                str(self.path),
                "this HDF5 file is no gait archive",
                found=f"format {attributes.get('format')!r}",
                remedy="convert it first (tools/dataset_converters); E-Gait's own files are read by features=, labels=",
            )
        if attributes.get("version") != VERSION:
            raise DataError(
                str(self.path),
                f"this program reads version {VERSION} of the format",
                found=attributes.get("version"),
                remedy="convert the recordings again, or update the program",
            )
        rate = float(attributes["rate"])
        self.info = ArchiveInfo(
            skeleton=str(attributes["skeleton"]),
            unit=str(attributes["unit"]),
            up=str(attributes["up"]),
            rate=None if np.isnan(rate) else rate,
            label_names=tuple(str(name) for name in attributes["label_names"]),
            source=str(attributes["source"]),
            licence=str(attributes["licence"]),
        )
        joints = tuple(str(name) for name in attributes["joints"])
        if joints != get_skeleton(self.info.skeleton).joints:
            raise DataError(
                str(self.path),
                f"its joints are not those of layout {self.info.skeleton!r} here",
                found=joints,
                remedy="register the layout that it was written with",
            )
        self._positions = self._dataset("positions")
        self._scores = self._dataset("score") if "score" in self._file else None
        count = self._dataset("id").shape
        names = ("length", "label", *COLUMNS, *(f"extra/{name}" for name in self._file["extra"]))
        for data in map(self._dataset, names):
            # Before anything is read: a small file may announce columns of any size.
            if data.shape != count or len(count) != 1 or data.nbytes > max(1000 * data.id.get_storage_size(), 1 << 16):
                raise DataError(
                    str(self.path), "every column needs one entry for each walk", found=data.name, remedy=_COPY
                )
        self.lengths = self._dataset("length")[()]
        self.labels = self._dataset("label")[()]
        self.ids, self.subjects, self.groups = (self._texts(name) for name in COLUMNS)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self.extra: dict[str, list[Any]] = {}
        for name in self._file["extra"]:
            data = self._dataset(f"extra/{name}")
            self.extra[name] = (
                self._texts(f"extra/{name}") if h5py.check_string_dtype(data.dtype) else data[()].tolist()
            )
        self._check_index()

    def _check_index(self) -> None:
        count, shape = len(self.ids), self._positions.shape
        columns = [self.lengths, self.labels, self.subjects, self.groups, *self.extra.values()]
        stored = self._positions.id.get_storage_size()
        whole = all(column.dtype.kind in "iu" for column in (self.lengths, self.labels))
        checks = {
            "at least one walk, and as many entries in every column": count
            and all(len(column) == count for column in columns),
            "whole numbers for length and label": whole,
            "lengths of at least 2 that add up to the frames": whole
            and (self.lengths >= 2).all()
            and (self.lengths <= shape[0]).all()
            and self._starts[-1] == shape[0],
            "positions (frames, V, 3) of floating-point numbers": shape[1:] == (len(self._file.attrs["joints"]), 3)
            and self._positions.dtype.kind == "f",
            "one score of a floating-point number per joint and frame": self._scores is None
            or (self._scores.shape == shape[:2] and self._scores.dtype.kind == "f"),
            # No compression reaches a factor of a thousand: the rest was never written, and would be read as zeros.
            "coordinates that were written": stored * 1000 >= self._positions.nbytes,
            "unique, filled ids": len(set(self.ids)) == count and all(self.ids),
            "filled groups": all(self.groups),
            f"labels between -1 and {len(self.info.label_names) - 1}": whole
            and ((self.labels >= -1) & (self.labels < len(self.info.label_names))).all(),
        }
        for need, fulfilled in checks.items():
            if not fulfilled:
                raise DataError(str(self.path), f"the archive needs {need}", remedy=_COPY)

    def _dataset(self, name: str) -> Any:
        links = [self._file.get(part, getlink=True) for part in (name.partition("/")[0], name)]
        data = self._file[name] if all(isinstance(link, h5py.HardLink) for link in links) else None
        if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external:
            raise DataError(
                str(self.path), "the file refers to other files, or is no archive", found=name, remedy=_COPY
            )
        return data

    def _texts(self, name: str) -> list[str]:
        return [str(text) for text in self._dataset(name).asstr()[()]]

    def _damaged(self, problem: str, error: Exception) -> DataError:
        found = (str(error).splitlines() or [type(error).__name__])[0]
        return DataError(str(self.path), problem, found=found, remedy=_COPY)

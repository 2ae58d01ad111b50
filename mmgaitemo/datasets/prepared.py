"""Prepared sequences: kept in a file, so that memory stays flat, and shared by the data sets of a process.

A run opens the same files many times: for training, test and the kNN bank, and before that to find out whether it can
work at all. The pipeline is deterministic, so its result is kept.
"""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import DupFd
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from mmgaitemo.errors import DataError

_KEPT = 2  # pre-training on one set and testing on another needs two


class PreparedInputs:
    """Inputs (N, 3, T, V) in a temporary file without a name, which the system removes with the last process using it.

    Reading by position goes around the memory of the process, unlike a memory map: what the system caches of the file
    it gives back when others need the room. It works in any number of processes at once.

    Args:
        rows: The inputs, (3, T, V) each and of one shape and type; written one by one, so they may be made on the fly.
        count: How many they are, with those appended later.

    Raises:
        DataError: The folder for temporary files is full, or cannot be written to.
    """

    def __init__(self, rows: Iterable[Tensor], count: int) -> None:
        wanted = os.environ.get("TMPDIR", tempfile.gettempdir())
        if not os.access(wanted, os.W_OK | os.X_OK):  # tempfile would take another folder without a word
            raise DataError(
                f"TMPDIR={wanted}",
                "the prepared walks cannot be written there",
                found="no such folder, or no right to write",
                remedy="set TMPDIR to a folder that can be written to",
            )
        try:
            self._file: Any = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (lives as long as this object)
        except OSError as error:
            raise _unwritable(error, 0) from None
        self._count, self._dtype = count, torch.float32
        self._shape: tuple[int, ...] = (0,)
        for row in rows:
            self.append(row)

    def append(self, row: Tensor) -> None:
        """Write one more row, of the shape and type of those before.

        Raises:
            DataError: The folder for temporary files is full.
        """
        self._shape, self._dtype = tuple(row.shape), row.dtype
        bytes_left = memoryview(row.contiguous().numpy().tobytes())
        try:
            while bytes_left:
                bytes_left = bytes_left[self._file.write(bytes_left) :]
        except OSError as error:
            raise _unwritable(error, self._count * row.nbytes) from None

    def read(self, rows: Sequence[int]) -> Tensor:
        """(len(rows), 3, T, V): the inputs of these rows, in this order."""
        batch = torch.empty((len(rows), *self._shape), dtype=self._dtype)
        space = memoryview(batch.numpy().reshape(-1).view(np.uint8).data)
        size = len(space) // max(len(rows), 1)
        begin = 0
        while begin < len(rows):
            end = begin + 1
            while end < len(rows) and rows[end] == rows[end - 1] + 1:  # neighbours come in one read
                end += 1
            done, stop, shift = begin * size, end * size, (rows[begin] - begin) * size
            while done < stop:  # one read gives at most 2 GiB
                got = os.preadv(self._file.fileno(), [space[done:stop]], done + shift)
                if not got:
                    raise IndexError(f"row {rows[begin]} of {self._count}")
                done += got
            begin = end
        return batch

    def __reduce__(self) -> tuple[Callable, tuple]:
        """A process of the same computer gets the file, everything else its content."""
        if get_spawning_popen() is None:
            return PreparedInputs, (self.read(range(self._count)), self._count)
        return _reopened, (DupFd(self._file.fileno()), self._count, self._shape, self._dtype)


class PreparedWalks:
    """What the pipeline leaves of each walk, one ``PreparedInputs`` for each kind.

    Args:
        rows: Of each walk ``inputs`` and whatever else each of them has, such as ``kinematics``; taken one by one.
        count: How many walks.

    Raises:
        DataError: See ``PreparedInputs``.
    """

    def __init__(self, rows: Iterable[Mapping[str, Tensor]], count: int) -> None:
        self._kinds = {"inputs": PreparedInputs((), count)}
        for row in rows:
            for kind, values in row.items():
                if kind not in self._kinds:
                    self._kinds[kind] = PreparedInputs((), count)
                self._kinds[kind].append(values)

    def read(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """``inputs`` (len(rows), 3, T, V), and maybe ``kinematics`` (len(rows), D), of these rows in this order."""
        return {kind: prepared.read(rows) for kind, prepared in self._kinds.items()}


def _reopened(file: Any, count: int, shape: tuple[int, ...], dtype: torch.dtype) -> PreparedInputs:
    prepared = PreparedInputs.__new__(PreparedInputs)
    prepared._file = open(file.detach(), "rb", buffering=0)  # noqa: SIM115 (lives as long as the object)
    prepared._count, prepared._shape, prepared._dtype = count, shape, dtype
    return prepared


def _unwritable(error: OSError, size: int) -> DataError:
    return DataError(
        tempfile.gettempdir() if error.filename is None else str(error.filename),
        "the prepared walks cannot be written to the folder for temporary files",
        found=f"{error.strerror}; {size / 1e6:,.1f} MB are needed",
        remedy="make room there, or set TMPDIR to a folder on a larger disk",
    )


_inputs: OrderedDict[Hashable, Any] = OrderedDict()


_Prepared = TypeVar("_Prepared", PreparedInputs, PreparedWalks)


def prepared_inputs(key: Hashable, prepare: Callable[[], _Prepared]) -> _Prepared:
    """The inputs of a key, as they were prepared before where they were.

    Args:
        key: Everything that the inputs depend on.
        prepare: Makes them.
    """
    if key not in _inputs:
        _inputs[key] = prepare()
        while len(_inputs) > _KEPT:
            _inputs.popitem(last=False)
    _inputs.move_to_end(key)
    return _inputs[key]

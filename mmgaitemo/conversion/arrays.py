"""NumPy's own files, .npy and .npz, from strangers: bounded, checked, and never a pickle.

``numpy.load`` would allocate whatever the header promises, and unpack whatever a few kilobytes of zeros unfold to.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from mmgaitemo.errors import DataError, GaitError

LARGEST = 1 << 30  # bytes of one array: ten million frames of 16 joints in half precision
_BLOCK = 1 << 20
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_COPY = "write it with numpy.save or numpy.savez, or copy it again"


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy file.

    Args:
        path: The file.

    Raises:
        DataError: There is no such file, it is damaged or too large, or it holds other than real numbers.
    """
    with _plain_damage(str(path)), path.open("rb") as file:
        return _read(file, path.stat().st_size, str(path))


class NpzFile:
    """An open .npz file; use it as a context manager.

    Args:
        path: The file.

    Raises:
        DataError: There is no such file, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _plain_damage(str(path)):
            self._zip = zipfile.ZipFile(path)
        self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}
        self.names = list(self._members)

    def __enter__(self) -> NpzFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def read(self, name: str) -> np.ndarray:
        """An array.

        Args:
            name: One of ``names``.

        Raises:
            DataError: It is not there, damaged or too large, or holds other than real numbers.
        """
        where = f"{self.path}, array {name!r}"
        if name not in self._members:
            raise DataError(where, "is not there", found=f"arrays {self.names[:20]}", remedy="name one that is")
        with _plain_damage(where), self._zip.open(self._members[name]) as file:
            return _read(file, self._members[name].file_size, where)


def _read(file: IO[bytes], size: int, where: str) -> np.ndarray:
    """The array of an open .npy file of this many bytes."""
    if size > LARGEST:
        raise DataError(
            where, f"is larger than {LARGEST >> 20} MiB", found=f"{size >> 20} MiB", remedy="cut it into several files"
        )
    version = npy.read_magic(file)
    if version not in _READERS:
        raise DataError(where, "is of an unknown version", found=version, remedy=_COPY)
    shape, fortran, dtype = _READERS[version](file)
    if dtype.kind not in "iuf":
        raise DataError(where, "holds other values than needed", found=dtype, remedy="store plain numbers")
    wanted = math.prod(shape) * dtype.itemsize
    if wanted > size:
        raise DataError(where, "promises more than it holds", found=f"{shape} of {dtype}", remedy=_COPY)
    # Straight into the array: twice the coordinates of a large file may not fit.
    raw = np.empty(wanted, dtype=np.uint8)
    view, done = raw.data, 0
    while done < wanted:
        # readinto is there for files and members of an archive alike, whatever the stub of IO says.
        count = file.readinto(view[done : done + _BLOCK])  # type: ignore[attr-defined]
        if not count:
            raise DataError(where, "ends early", found=f"{done} of {wanted} bytes", remedy=_COPY)
        done += count
    return raw.view(dtype).reshape(shape, order="F" if fortran else "C")


@contextmanager
def _plain_damage(where: str) -> Iterator[None]:
    """Turn what the readers of NumPy's and Python's library raise into a ``DataError``.

    Raises:
        DataError: The block raised what damage leads to.
    """
    try:
        yield
    except GaitError:
        raise
    except Exception as error:  # nearly every type: zip, zlib, and a header that is parsed as Python source
        found = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(where, "cannot be read, is truncated or damaged", found=found, remedy=_COPY) from None

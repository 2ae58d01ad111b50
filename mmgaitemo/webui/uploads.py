"""What may be uploaded: recordings by name and content, of a size that the machine can bear; nothing that runs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import h5py

from mmgaitemo.apis.inputs import SUFFIXES, NoTake, Take, TakeSource
from mmgaitemo.errors import DataError

LIMIT = 50_000_000  # bytes of an upload: some minutes of motion capture as text
LONGEST = 600.0  # seconds of all its recordings together: a core explains them in a minute
TRIED = 100  # recordings that are looked at
UNPACKED = 500_000_000  # bytes of the arrays in it: compressed zeros take a thousandth
RUNNABLE = {".pth", ".pt", ".pkl", ".pickle", ".joblib", ".exe", ".dll", ".so", ".msi", ".jar", ".js", ".html"}
RUNNABLE |= {".py", ".sh", ".bat", ".cmd", ".ps1", ".com", ".app", ".svg"}

_NAMED = 200  # bytes of a name; file systems take 255
_STARTS = {".h5": b"\x89HDF\r\n\x1a\n", ".npy": b"\x93NUMPY", ".npz": b"PK\x03\x04"}
_NO_TEXT = (b"#!", b"MZ", b"\x80")  # a script, a Windows program, a pickle
_KINDS = f"upload one of {', '.join(SUFFIXES)}"


def checked_name(name: str) -> str:
    """The name that an upload is kept under: that of the file, without folders.

    Raises:
        DataError: Its suffix is not that of a recording.
    """
    plain = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable()).strip()
    suffix = Path(plain).suffix.lower()
    if suffix in RUNNABLE:
        raise DataError(
            plain, "is refused, because such a file can run code when it is opened", found=suffix, remedy=_KINDS
        )
    if suffix not in SUFFIXES:
        raise DataError(plain or "the file", "is no recording by its name", found=suffix or "no suffix", remedy=_KINDS)
    return plain[: -len(suffix)].encode()[:_NAMED].decode(errors="ignore") + suffix


def check_size(name: str, size: int) -> None:
    """Refuse what is empty or too large.

    Raises:
        DataError: The number of bytes is out of bounds.
    """
    if not size:
        raise DataError(name, "is empty", found="0 bytes", remedy="upload a file that holds a recording")
    if size > LIMIT:
        raise DataError(
            name,
            f"is too large: uploads are limited to {LIMIT / 1e6:.0f} MB",
            found=f"{size / 1e6:.0f} MB",
            remedy="cut the recording, or read it with tools/infer.py, which has no limit",
        )


class Portion:
    """As many of the recordings of an upload, and as much of them, as others can be let wait for.

    Attributes:
        cut: Whether anything was left out so far.
    """

    def __init__(self) -> None:
        self.cut = False
        self._left = LONGEST

    def of(self, sources: Iterable[TakeSource]) -> Iterator[TakeSource]:
        """The same sources; what is too much of them is not read."""
        for source in sources:
            yield replace(source, read=partial(self._takes, source))

    def _takes(self, source: TakeSource) -> Iterator[Take | NoTake]:
        for number, take in enumerate(source.read()):
            if number == TRIED or self._left <= 0:
                self.cut = True
                return
            if isinstance(take, Take) and take.rate is not None:
                frames = max(int(self._left * take.rate), 2)
                self._left -= len(take.positions) / take.rate
                self.cut |= len(take.positions) > frames
                take = replace(take, positions=take.positions[:frames])
            yield take


def check_content(path: Path) -> None:
    """Refuse a file that is not what its name says, before any reader of recordings opens it.

    Raises:
        DataError: It begins like something else, unpacks to more than ``UNPACKED``, or points to other files.
    """
    suffix, content = path.suffix.lower(), path.read_bytes()
    if suffix not in _STARTS:
        if b"\0" in content or content.startswith(_NO_TEXT):
            found = "a program, a pickle, or text of another encoding than UTF-8"
            raise DataError(path.name, f"is no text, as {suffix} files are", found=found, remedy=_KINDS)
    elif not content.startswith(_STARTS[suffix]):
        raise DataError(
            path.name, f"does not begin as {suffix} files do", found=content[:8], remedy="export the recording again"
        )
    if suffix == ".npz":
        _check_unpacked(path, _size_of_zip(path))
    elif suffix == ".h5":
        _check_unpacked(path, _size_of_hdf5(path))


def _check_unpacked(path: Path, size: int) -> None:
    if size > UNPACKED:
        raise DataError(
            path.name,
            f"unpacks to more than {UNPACKED / 1e6:.0f} MB",
            found=f"{size / 1e6:.0f} MB",
            remedy="upload fewer recordings at once",
        )


def _size_of_zip(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
    except zipfile.BadZipFile as error:
        raise DataError(path.name, "is damaged", found=error, remedy="export the recording again") from None
    if len(entries) > TRIED:
        found = f"{len(entries)} arrays"
        raise DataError(path.name, f"holds more than {TRIED} arrays", found=found, remedy="upload fewer at once")
    if foreign := [entry.filename for entry in entries if not entry.filename.endswith(".npy")]:
        raise DataError(path.name, "holds more than arrays", found=foreign[:3], remedy="upload what numpy.savez wrote")
    return sum(entry.file_size for entry in entries)


def _size_of_hdf5(path: Path) -> int:
    """Bytes of all arrays. Links to other files would let an upload read what lies on this machine."""
    names: list[bytes] = []
    total = 0
    try:
        with h5py.File(path) as file:
            file.id.links.visit(names.append)
            for name in names:
                if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
                    raise DataError(path.name, "points to another file", found=name, remedy="copy the data into it")
                item = file.get(name)
                if isinstance(item, h5py.Dataset):
                    if item.external or item.is_virtual:
                        raise DataError(path.name, "points to another file", found=name, remedy="copy the data into it")
                    total += item.size * item.dtype.itemsize
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise DataError(path.name, "is damaged", found=error, remedy="export the recording again") from None
    return total

"""What may be given to a model: arrays, files, folders, patterns of file names, and any mixture of them."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from mmgaitemo.apis.layouts import preset_for
from mmgaitemo.archive import FORMAT, UP_AXES, GaitArchive
from mmgaitemo.conversion import tables
from mmgaitemo.conversion.bvh import read_bvh
from mmgaitemo.conversion.column_map import ColumnMap, load_column_map
from mmgaitemo.conversion.facts import TakeFacts, find_files
from mmgaitemo.conversion.joint_map import JointMap, load_joint_map, preset, presets
from mmgaitemo.datasets.egait_files import read_tables
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import Skeleton, get_skeleton

SUFFIXES = (".bvh", ".h5", *tables.SUFFIXES)


@dataclass(frozen=True)
class Take:
    """A recording of one person as its file has it.

    Args:
        id: Its name.
        source: The file, or ``array``.
        positions: (T, V, 3) in ``skeleton``, any unit and heading; NaN where a joint is missing.
        skeleton: The layout.
        rate: Frames per second; ``None`` where nobody said.
        up: The axis that points up, one of ``mmgaitemo.archive.UP_AXES``.
        unit: One of ``mmgaitemo.archive.UNITS``; ``None`` where it is not known.
    """

    id: str
    source: str
    positions: np.ndarray
    skeleton: Skeleton
    rate: float | None
    up: str
    unit: str | None = None


@dataclass(frozen=True)
class NoTake:
    """What stands where a recording of a file should be.

    Args:
        id: Its name.
        error: Why it is none.
    """

    id: str
    error: DataError


@dataclass(frozen=True)
class TakeSource:
    """A file, or an array, that holds recordings.

    Args:
        name: For messages and ids: the path below the folder that was given.
        path: The file, if it is one.
        read: Reads the recordings one by one; raises ``DataError`` where nothing can be read (any more).
    """

    name: str
    path: Path | None
    read: Callable[[], Iterator[Take | NoTake]]


Input = str | Path | np.ndarray | Take | TakeSource


@dataclass(frozen=True)
class Said:
    """What the user says of the recordings; it goes before what the files say of themselves.

    Args:
        layout: Name of the layout of arrays, of tables without a column map and of E-Gait's own files.
        rate: Frames per second.
        up: The axis that points up.
        columns: File of a column map, for tables; without one, tables have the joints of ``layout`` (CSV: columns
            ``{joint}_x``, ``{joint}_y``, ``{joint}_z``).
        joint_map: File of a joint map; for BVH also the name of a preset. BVH without one takes the preset that fits.

    Raises:
        ConfigError: There is no such layout, axis or file, or the rate is none.
    """

    layout: str
    rate: float | None = None
    up: str | None = None
    columns: str | Path | None = None
    joint_map: str | Path | None = None

    def __post_init__(self) -> None:
        get_skeleton(self.layout)
        if self.up is not None and self.up not in UP_AXES:
            raise ConfigError("up", "is no axis", found=repr(self.up), remedy=f"use one of {UP_AXES}")
        if self.rate is not None and not 0.1 <= self.rate <= 1e5:
            raise ConfigError("rate", "is no frame rate", found=self.rate, remedy="give frames per second")
        self.table(), self.bvh()

    def table(self) -> ColumnMap:
        """What the numbers of a table are."""
        if self.columns is not None:
            return load_column_map(self.columns, self.joint_map)
        skeleton = get_skeleton(self.layout)
        names = tuple(tuple(f"{joint}_{axis}" for axis in "xyz") for joint in skeleton.joints)
        up = self.up or "xyz"[skeleton.up]
        return ColumnMap(skeleton, unit="m", up=up, joints=skeleton.joints, columns=names, rate=self.rate)

    def bvh(self) -> JointMap | None:
        """How the joints of BVH files become those of a layout; ``None``: each file's own preset."""
        if self.joint_map is None:
            return None
        return preset(str(self.joint_map)) if self.joint_map in presets() else load_joint_map(self.joint_map)


def open_inputs(inputs: Input | Iterable[Input], said: Said) -> Iterator[TakeSource]:
    """The sources of recordings, in their order; nothing is read yet.

    Args:
        inputs: An array (T, V, 3), a file, a folder (searched to the bottom), a pattern such as ``walks/*.bvh``, or
            several of them; an iterator is taken from as sources are asked for.
        said: What the user says of them.

    Raises:
        ConfigError: A path does not exist, a folder holds no recording, or a pattern meets none.
    """
    one = isinstance(inputs, (str, Path, np.ndarray)) or not isinstance(inputs, Iterable)
    for number, given in enumerate([inputs] if one else inputs):  # type: ignore[arg-type]
        if isinstance(given, TakeSource):
            yield given
        elif isinstance(given, Take):
            yield TakeSource(given.id, None, partial(iter, [given]))
        elif isinstance(given, np.ndarray):
            skeleton = get_skeleton(said.layout)
            up = said.up or "xyz"[skeleton.up]
            take = Take(f"array{number}", "array", given, skeleton, said.rate, up)
            yield TakeSource(take.id, None, partial(iter, [take]))
        elif isinstance(given, (str, Path)):
            for name, path in _files(given, said).items():
                yield from _file_sources(name, path, said)
        else:
            raise ConfigError(
                "inputs", "is neither array nor path", found=type(given).__name__, remedy="give one, or a list of them"
            )


def _files(given: str | Path, said: Said) -> dict[str, Path]:
    if any(letter in str(given) for letter in "*?[") and not Path(given).exists():
        paths = sorted(glob.glob(str(given), recursive=True))
        if not paths:
            raise ConfigError(str(given), "no file is named so", remedy="correct the pattern")
        parts = Path(given).parts
        wild = next(number for number, part in enumerate(parts) if any(letter in part for letter in "*?["))
        found = {}
        for each in map(Path, paths):  # named by all that differs: walks/*/walk.bvh are several
            below = each.relative_to(Path(*parts[:wild]))
            for name, path in _files(each, said).items():
                found[_legible(below / name if each.is_dir() else below)] = path
        return found
    files = find_files([given], SUFFIXES)
    if Path(given).is_dir() and said.columns is not None:  # it may lie beside the tables
        files = {name: path for name, path in files.items() if not path.samefile(said.columns)}
    return files


def _file_sources(name: str, path: Path, said: Said) -> Iterator[TakeSource]:
    suffix = path.suffix.lower()
    if suffix in tables.SUFFIXES:
        columns = said.table()
        for part, table in tables.find_tables({name: path}, columns).items():
            yield TakeSource(part, path, partial(_read_table, part, table, columns, said))
    elif suffix == ".bvh":
        yield TakeSource(name, path, partial(_read_bvh, name, path, said))
    elif suffix == ".h5":
        yield TakeSource(name, path, partial(_read_archive if _is_archive(path) else _read_pair, path, said))
    else:
        yield TakeSource(name, path, partial(_refuse, path))


def _legible(path: Path) -> str:
    """The path as text that can be written; a file name may hold bytes that are none."""
    return path.as_posix().encode(errors="replace").decode()


def _refuse(path: Path) -> Iterator[Take]:
    remedy = f"files of {SUFFIXES} are read"
    raise DataError(str(path), "is no recording", found=path.suffix or path.name, remedy=remedy)


def _read_bvh(name: str, path: Path, said: Said) -> Iterator[Take]:
    motion = read_bvh(path)
    joints = said.bvh() or preset_for(motion.names, str(path))
    positions = joints.apply(motion.positions(), motion.names, str(path))[joints.skip_frames :]
    rate, up = said.rate or motion.rate, said.up or joints.up
    yield Take(name.rpartition(".")[0], _legible(path), positions, joints.skeleton, rate, up, joints.unit)


def _read_table(name: str, table: tables.Table, columns: ColumnMap, said: Said) -> Iterator[Take]:
    for recording in tables.table_source(name, table, columns, TakeFacts()).read():
        rate, up = said.rate or columns.rate, said.up or columns.up
        yield Take(recording.id, _legible(table.path), recording.positions, columns.skeleton, rate, up, columns.unit)


def _is_archive(path: Path) -> bool:
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("format") == FORMAT
    except Exception:  # damage of nearly every type; the archive's reader says what is wrong
        return True


def _read_archive(path: Path, said: Said) -> Iterator[Take]:
    with GaitArchive(path) as archive:
        info, skeleton = archive.info, get_skeleton(archive.info.skeleton)
        rate, up = said.rate or info.rate, said.up or info.up
        for name, positions in zip(archive.ids, archive.iterate(), strict=True):
            yield Take(name, _legible(path), positions, skeleton, rate, up, info.unit)


def _read_pair(path: Path, said: Said) -> Iterator[Take | NoTake]:
    """The gaits of a features file in E-Gait's own format."""
    skeleton = get_skeleton(said.layout)
    tables = read_tables(path, skeleton, how_to_get="correct the path")
    errors = {name: table for name, table in tables.items() if isinstance(table, DataError)}
    if len(errors) == len(tables):  # another file, or another layout: said once
        raise next(iter(errors.values()))
    for name, table in tables.items():
        if isinstance(table, DataError):
            yield NoTake(name, table)
        else:
            yield Take(name, _legible(path), table, skeleton, said.rate, said.up or "xyz"[skeleton.up], "body")

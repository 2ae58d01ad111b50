"""The pathological gaits of Jun et al.: Kinect v2 walks, each seen by six sensors, as one NPZ file or as CSV files.

The CSV files are named ``human<person>_<gait><trial>_SkeletonData<sensor>.csv``: one frame a line, x, y, z of the 25
joints in the order of the SDK, metres, y up (camera space). That is what their names and Kinect's documentation say; we
have had no such file in hand. The NPZ file holds the same walks reduced to 16 joints, z up, and was read in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.conversion.facts import find_files
from mmgaitemo.conversion.joint_map import preset
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.errors import DataError, GaitError
from mmgaitemo.skeleton import EGAIT16, KINECT25

GAITS = ("antalgic", "lurch", "normal", "steppage", "stiff_legged", "trendelenburg")
RATE = 30.0
_FILE = re.compile(
    r"human(?P<subject>\d+)_(?P<gait>[a-z]+(?:[-_][a-z]+)*?)(?P<trial>\d+)_SkeletonData(?P<sensor>\d+)\.csv", re.ASCII
)
_LARGEST = 1 << 26  # bytes of a CSV file: an hour of 25 joints
_LARGEST_NPZ = 1 << 30  # bytes of all of its arrays, unpacked; those of eight persons take 70 MB
_JUMP = 0.5  # metres between two frames, 15 m/s: no walker's body does that, and no tracking noise of most joints
# Array of the NPZ file -> kinds of values, letters of numpy.dtype.kind.
_ARRAYS = {"positions": "f", "length": "iu", "subject": "iu", "gait": "U", "trial": "iu", "sensor": "iu"}
_ARRAYS |= {"source_file": "U", "joint_names": "U"}
# Joint of egait16 -> name in the NPZ file.
_NPZ_JOINTS = {
    joint: joint.replace("left_", "L").replace("right_", "R") if "_" in joint else joint for joint in EGAIT16.joints
}


def _info(skeleton: str, up: str) -> ArchiveInfo:
    return ArchiveInfo(
        skeleton=skeleton,
        unit="m",
        up=up,
        rate=RATE,
        label_names=GAITS,
        source="pathological gaits, Kinect v2, Jun et al.",
        licence="none stated: for development, not to be passed on",
    )


def without_seams(positions: np.ndarray) -> np.ndarray:
    """Mark what is no measurement.

    The tables of the data set end raggedly: in the last frames of 301 of 5,760 walks some columns have run out (exact
    zeros, NaN), and the others go on with another pass, some two metres back. So a coordinate of exactly 0 is missing,
    and of a walk in which most joints jump only the longest piece is kept.

    Args:
        positions: (T, V, 3) metres, NaN where a joint is missing.

    Returns:
        (T, V, 3), NaN where nothing was measured.
    """
    positions = positions.copy()
    positions[(positions == 0).any(axis=-1)] = np.nan
    moved = np.linalg.norm(np.diff(positions, axis=0), axis=-1)  # NaN is neither above nor below
    far, near = np.count_nonzero(moved > _JUMP, axis=1), np.count_nonzero(moved <= _JUMP, axis=1)
    ends = np.array([0, *(np.flatnonzero((far > 0) & (far >= near)) + 1), len(positions)])
    piece = int(np.diff(ends).argmax())
    positions[: ends[piece]] = positions[ends[piece + 1] :] = np.nan
    return positions


def npz_sources(path: Path) -> tuple[list[Source], ArchiveInfo]:
    """The walks of the NPZ file, and what its archive is.

    Raises:
        DataError: It is no such file.
    """
    arrays = _load(path)
    order = [arrays["joint_names"].tolist().index(_NPZ_JOINTS[joint]) for joint in EGAIT16.joints]
    stops = np.cumsum(arrays["length"])

    def read(walk: int) -> Iterator[Recording]:
        frames = arrays["positions"][stops[walk] - arrays["length"][walk] : stops[walk]]
        name = str(arrays["source_file"][walk])
        yield Recording(
            id=Path(name).stem,
            positions=without_seams(frames.astype(np.float64)[:, order]),
            rate=RATE,
            subject=str(arrays["subject"][walk]),
            label=str(arrays["gait"][walk]),
            extra={
                "trial": int(arrays["trial"][walk]),
                "sensor": int(arrays["sensor"][walk]),
                "source_file": name,
            },
        )

    names = arrays["source_file"].tolist()
    return [Source(f"{path}: {name}", partial(read, walk)) for walk, name in enumerate(names)], _info("egait16", "z")


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if sum(member.file_size for member in file.zip.infolist()) > _LARGEST_NPZ:
                raise DataError(str(path), f"unpacks to more than {_LARGEST_NPZ >> 30} GiB", remedy="name another file")
            if missing := [name for name in _ARRAYS if name not in file.files]:
                raise DataError(str(path), "the file lacks arrays", found=missing, remedy="name the right file")
            arrays = {name: file[name] for name in _ARRAYS}
    except GaitError:
        raise
    except Exception as error:  # nearly every type: zip, zlib, and a header that is parsed as Python source
        found = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(
            str(path), "is no NPZ file of plain arrays, or is damaged", found=found, remedy="copy it again"
        ) from None
    if wrong := [name for name, kinds in _ARRAYS.items() if arrays[name].dtype.kind not in kinds]:
        raise DataError(f"{path}, array {wrong[0]!r}", "holds other values", remedy="name the right file")
    positions, lengths = arrays["positions"], arrays["length"].ravel().tolist()
    columns = [name for name in _ARRAYS if name not in ("positions", "joint_names")]
    texts = [*arrays["gait"].ravel().tolist(), *arrays["source_file"].ravel().tolist()]
    checks = {
        "positions (frames, 16, 3)": positions.shape[1:] == (16, 3),
        "one entry per walk in each column": arrays["length"].ndim == 1
        and all(arrays[name].shape == arrays["length"].shape for name in columns),
        "positive lengths that add up to the frames": all(length > 0 for length in lengths)
        and sum(lengths) == len(positions),
        f"the joints {list(_NPZ_JOINTS.values())}": arrays["joint_names"].ndim == 1
        and sorted(arrays["joint_names"].tolist()) == sorted(_NPZ_JOINTS.values()),
        "gaits and file names of plain text": all(text and text.isprintable() for text in texts),
    }
    for need, fulfilled in checks.items():
        if not fulfilled:
            raise DataError(str(path), f"the file needs {need}", remedy="copy it again, or name the right file")
    return arrays


def csv_sources(folder: Path, skeleton: str) -> tuple[list[Source], ArchiveInfo]:
    """The walks of a folder of CSV files, searched to the bottom, and what their archive is.

    Args:
        folder: Of the files.
        skeleton: ``kinect25`` for all joints, ``egait16`` for 16 of them.

    Raises:
        ConfigError: There is no such file in it.
    """
    files = find_files([folder], [".csv"])
    reduced = preset("kinect_v2")

    def read(name: str, path: Path) -> Iterator[Recording]:
        said = _FILE.fullmatch(path.name)
        if said is None or said["gait"].replace("-", "_") not in GAITS:
            raise DataError(
                name,
                "the name must be human<person>_<gait><trial>_SkeletonData<sensor>.csv",
                remedy=f"rename or remove it; gaits are {GAITS}",
            )
        positions = _read_table(path, name)
        if skeleton == reduced.skeleton.name:
            positions = reduced.apply(positions, KINECT25.joints, name)
        yield Recording(
            id=path.stem,
            positions=without_seams(positions),
            rate=RATE,
            subject=said["subject"],
            label=said["gait"].replace("-", "_"),
            extra={"trial": int(said["trial"]), "sensor": int(said["sensor"]), "source_file": path.name},
        )

    return [Source(name, partial(read, name, path)) for name, path in files.items()], _info(skeleton, "y")


def _read_table(path: Path, where: str) -> np.ndarray:
    """(T, 25, 3); an empty cell or ``nan`` is a missing value, and the first line may be a header."""
    columns = 3 * KINECT25.num_joints
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(where, f"is larger than {_LARGEST >> 20} MiB", remedy="name the right file")
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(where, "cannot be read as text", found=error, remedy="copy it again") from None
    rows = []
    for number, line in enumerate(lines, 1):
        cells = line.split(",")
        if not line.strip() or (number == 1 and line.strip(", ") and not any(map(_is_number, cells))):
            continue
        if len(cells) != columns or not all(_is_number(cell) or not cell.strip() for cell in cells):
            raise DataError(
                f"{where}, line {number}",
                f"needs {columns} numbers, x, y, z of the {KINECT25.num_joints} joints",
                found=f"{len(cells)} cells, {line[:60]!r}",
                remedy="copy it again, or use tools/dataset_converters/generic.py, which takes a column map",
            )
        rows.append([float(cell) if cell.strip() else np.nan for cell in cells])
    return np.array(rows).reshape(len(rows), KINECT25.num_joints, 3)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python reads 1_0 as ten

"""BVH files as sources of a conversion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mmgaitemo.conversion.bvh import read_bvh
from mmgaitemo.conversion.facts import TakeFacts
from mmgaitemo.conversion.joint_map import JointMap
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.errors import DataError

_COLUMNS = ("source_file", "take")  # free columns that every archive from BVH files has


def bvh_source(name: str, path: Path, joints: JointMap, facts: TakeFacts | DataError) -> Source:
    """A BVH file as a source of one recording.

    Args:
        name: Path below the folder of the data set; without its suffix it is the recording's id.
        path: The file.
        joints: Brings it to the archive's layout and unit.
        facts: Label and so on; an error here is raised when the source is read, so that the file is refused.
    """

    def read() -> Iterator[Recording]:
        if isinstance(facts, DataError):
            raise facts
        motion = read_bvh(path)
        yield Recording(
            id=PurePosixPath(name).with_suffix("").as_posix(),
            positions=joints.apply(motion.positions(), motion.names, str(path))[joints.skip_frames :],
            rate=motion.rate,
            subject=facts.subject,
            label=facts.label,
            group=facts.group,
            extra={**dict.fromkeys(_COLUMNS, ""), **facts.extra, "source_file": name},
        )

    return Source(name, read)

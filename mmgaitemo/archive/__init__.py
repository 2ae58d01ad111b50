"""The gait archive: walks of any source in one HDF5 file, described field by field in docs/archive.md."""

from mmgaitemo.archive.info import FORMAT, UNITS, UP_AXES, VERSION, ArchiveInfo
from mmgaitemo.archive.reader import GaitArchive
from mmgaitemo.archive.writer import ArchiveWriter

__all__ = ["FORMAT", "UNITS", "UP_AXES", "VERSION", "ArchiveInfo", "ArchiveWriter", "GaitArchive"]

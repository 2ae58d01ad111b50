"""Damaged and hostile archives: refused in plain words, before memory or time are spent on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from test_archive import write

from mmgaitemo.archive import GaitArchive
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import EGAIT16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "walks.gait.h5"


def _delete(name: str) -> Any:
    return lambda file: file.__delitem__(name)


def _replace(name: str, value: Any) -> Any:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return change


def _attribute(name: str, value: Any) -> Any:
    return lambda file: file.attrs.__setitem__(name, value)


def _external(file: h5py.File) -> None:
    del file["positions"]
    file.create_dataset("positions", (150, 16, 3), "f4", external=[("/etc/hostname", 0, 150 * 16 * 12)])


def _link(file: h5py.File) -> None:
    del file["subject"]
    file["subject"] = h5py.ExternalLink(file.filename, "id")


def _bomb(file: h5py.File) -> None:
    file["extra"].create_dataset("x", (10**9,), "i8", chunks=(1000,))


def _never_written(file: h5py.File) -> None:
    del file["positions"], file["length"]
    file.create_dataset("positions", (10**12, 16, 3), "f4", chunks=(100, 16, 3))
    file["length"] = np.array([10**12 - 8, 2, 2, 2, 2])


@pytest.mark.parametrize(
    "damage",
    [
        *(_delete(name) for name in ("positions", "length", "id", "subject", "label", "group", "extra")),
        _replace("length", np.array([10, 17, 24, 31, 39])),
        _replace("length", np.array([-1, 28, 24, 31, 38])),
        _replace("length", np.array([1e18, 1, 1, 1, 1])),
        _replace("label", np.array([0, 1, 2, 0, 0])),
        _replace("label", np.zeros(4, int)),
        _replace("id", ["a", "a", "b", "c", "d"]),
        _replace("positions", np.zeros((120, 15, 3), "f4")),
        _replace("positions", np.full((120, 16, 3), np.nan, "f4")),
        _replace("positions", np.zeros((120, 16, 3), "i4")),
        _attribute("format", "another"),
        _attribute("version", 2),
        _attribute("skeleton", "kinect25"),
        _attribute("skeleton", "octopus"),
        _attribute("joints", EGAIT16.joints[::-1]),
        _attribute("rate", -1.0),
        _attribute("rate", "fast"),
        _attribute("label_names", 7),
        _external,
        _link,
        _bomb,
        _never_written,
    ],
)
def test_a_damaged_archive_is_refused(path: Path, damage: Any) -> None:
    write(path)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises((DataError, ConfigError)), GaitArchive(path) as archive:
        list(archive.iterate())


def test_a_truncated_or_foreign_file_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="no such archive"):
        GaitArchive(path)
    write(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="truncated"):
        GaitArchive(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="not HDF5"):
        GaitArchive(path)

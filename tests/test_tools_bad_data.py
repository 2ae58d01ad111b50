"""Bad E-Gait files through the command line: exit code 1, one line, nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import run_here
from runs import ROOT


def edit(name: str, change: Callable[[h5py.File, str], None]) -> Callable[[Path], None]:
    """Spoil the first entry of one of the files."""

    def spoil(folder: Path) -> None:
        with h5py.File(folder / name, "a") as file:
            key = sorted(file)[0]
            change(file, key)

    return spoil


def rewritten(value: Callable[[np.ndarray], object]) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, key: str) -> None:
        old = file[key][()]
        del file[key]
        file[key] = value(old)

    return change


def with_nan(rows: np.ndarray) -> np.ndarray:
    rows[3, 7] = np.nan
    return rows


def with_infinity(rows: np.ndarray) -> np.ndarray:
    rows[0, 0] = np.inf
    return rows


def truncate(folder: Path) -> None:
    whole = (folder / "features.h5").read_bytes()
    (folder / "features.h5").write_bytes(whole[: len(whole) // 3])


def drop(file: h5py.File, key: str) -> None:
    del file[key]


SPOILT = {
    "features and labels with different keys": (edit("labels.h5", drop), ["features.h5", "person000"]),
    "wrong column count": (edit("features.h5", rewritten(lambda rows: rows[:, :45])), ["person000", "48", "45"]),
    "label outside the classes": (edit("labels.h5", rewritten(lambda _: 4)), ["labels.h5", "person000", "4"]),
    "NaN": (edit("features.h5", rewritten(with_nan)), ["person000", "nan"]),
    "infinity": (edit("features.h5", rewritten(with_infinity)), ["person000", "inf"]),
    "empty sequence": (edit("features.h5", rewritten(lambda rows: rows[:0])), ["person000", "0"]),
    "one frame": (edit("features.h5", rewritten(lambda rows: rows[:1])), ["person000", "1"]),
    "truncated file": (truncate, ["features.h5"]),
    "no HDF5 file": (lambda folder: (folder / "labels.h5").write_text("happy\n"), ["labels.h5"]),
    "no fold file": (lambda folder: (folder / "folds.csv").unlink(), ["folds.csv", "fold_file=None"]),
}


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_files_stop_a_run_before_it_writes(case: str, stand_ins: dict[str, str], tmp_path: Path) -> None:
    spoil, words = SPOILT[case]
    folder = tmp_path / "egait"
    shutil.copytree(stand_ins["MMGAITEMO_EGAIT"], folder)
    spoil(folder)
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    config, env = ROOT / "configs/ssal_egait.py", {"MMGAITEMO_EGAIT": str(folder)}
    done = run_here("tools/train.py", config, cwd=cwd, env=env)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and "Remedy: " in last
    for word in words:
        assert word in last, last
    assert not list(cwd.iterdir())

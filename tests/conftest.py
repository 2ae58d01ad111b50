"""What the tests share: few threads, a tiny contrast model, and stand-ins for data that cannot be shipped."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import pytest
import torch
from mmengine.registry import init_default_scope

import mmgaitemo  # noqa: F401
from mmgaitemo.datasets.synthetic_walks import synthetic_walks

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> None:
    torch.set_num_threads(2)
    init_default_scope("mmgaitemo")


@pytest.fixture(autouse=True)
def _same_numbers_every_time() -> None:
    torch.manual_seed(0)


def write_pair(folder: Path, classes: int = 4, persons: int = 10, takes: int = 2) -> Path:
    """A data set of synthetic walkers in E-Gait's file format: features.h5, labels.h5 and folds.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    walks = synthetic_walks(persons, takes, seed=1)
    rows = ["key,label,acted,source,group,fold"]
    with h5py.File(folder / "features.h5", "w") as features, h5py.File(folder / "labels.h5", "w") as labels:
        for index, walk in enumerate(walks):
            key = f"{walk.id}.csv"
            label = walk.label if classes == 4 else index % classes
            features[key] = walk.positions.reshape(len(walk.positions), -1).astype("float64")
            labels[key] = label
            rows.append(f"{key},{label},,synthetic,{walk.person},{int(''.join(filter(str.isdigit, walk.person))) % 5}")
    (folder / "folds.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables that point the configs at stand-ins for E-Gait and Emilya."""
    base = tmp_path_factory.mktemp("data")
    return {
        "MMGAITEMO_EGAIT": str(write_pair(base / "egait")),
        "MMGAITEMO_EMILYA": str(write_pair(base / "emilya", classes=8)),
    }


@pytest.fixture
def stand_in_env(stand_ins: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The stand-ins, set in this process."""
    for name, value in stand_ins.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **stand_ins}

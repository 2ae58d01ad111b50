"""What the tests share: one thread, a tiny contrast model, and stand-ins for data that cannot be shipped."""

from __future__ import annotations

import os

# Read when PyTorch is loaded: a thread that waits for another sleeps. On a busy machine it would burn most of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from webui_parts import serving

import mmgaitemo  # noqa: F401
from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.visualization.style import new_figure, save
from mmgaitemo.webui import WalkServer

ROOT = Path(__file__).resolve().parents[1]
EMILYA = ("anger", "anxiety", "joy", "neutral", "panic_fear", "pride", "sadness", "shame")
PATHOGAIT = ("antalgic", "lurch", "normal", "steppage", "stiff_legged", "trendelenburg")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # what is computed here is too small for more
    init_default_scope("mmgaitemo")


@pytest.fixture(autouse=True)
def _same_numbers_every_time() -> None:
    torch.manual_seed(0)


def write_pair(folder: Path, persons: int = 10, takes: int = 2) -> Path:
    """A data set of synthetic walkers in E-Gait's file format: features.h5, labels.h5 and folds.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    walks = synthetic_walks(persons, takes, seed=1)
    rows = ["key,label,acted,source,group,fold"]
    with h5py.File(folder / "features.h5", "w") as features, h5py.File(folder / "labels.h5", "w") as labels:
        for walk in walks:
            key = f"{walk.id}.csv"
            features[key] = walk.positions.reshape(len(walk.positions), -1).astype("float64")
            labels[key] = walk.label
            fold = int("".join(filter(str.isdigit, walk.person))) % 5
            rows.append(f"{key},{walk.label},,synthetic,{walk.person},{fold}")
    (folder / "folds.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_archive(path: Path, classes: tuple[str, ...], persons: int = 8, takes: int = 2, sensors: int = 1) -> Path:
    """A gait archive of synthetic walkers who walk three cycles' way, labelled in turn, each seen by some sensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ArchiveWriter(path, ArchiveInfo("egait16", "body", "y", rate=30.0, label_names=classes)) as archive:
        for number, walk in enumerate(synthetic_walks(persons, takes, seed=1)):
            positions = np.tile(walk.positions, (3, 1, 1))
            positions[..., 2] -= 0.03 * np.arange(len(positions))[:, None]
            label = classes[number % len(classes)] if classes else None
            for sensor in range(1, sensors + 1):
                name = f"{path.stem}:{walk.id}_SkeletonData{sensor}"
                archive.append(positions * (1 + 0.01 * sensor), id=name, subject=walk.person, label=label)
    return path


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables that point the configs at stand-ins for the data sets."""
    base = tmp_path_factory.mktemp("data")
    write_archive(base / "emilya.gait.h5", EMILYA)
    write_archive(base / "pathogait.gait.h5", PATHOGAIT, takes=1, sensors=2)
    write_archive(base / "bandai_namco.gait.h5", ())
    return {
        "MMGAITEMO_EGAIT": str(write_pair(base / "egait")),
        **{f"MMGAITEMO_{name}": str(base) for name in ("EMILYA", "PATHOGAIT", "BANDAI")},
    }


@pytest.fixture(scope="module")
def server() -> Iterator[WalkServer]:
    """The web page with a small model, running."""
    with serving() as running:
        yield running


@pytest.fixture
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real picture takes most of the time of an upload; test_webui_browser.py looks at it."""
    small = lambda path, _: save(new_figure(0.1, 0.1), path)  # noqa: E731
    monkeypatch.setattr("mmgaitemo.webui.result_page.draw_prediction", small)


@pytest.fixture
def stand_in_env(stand_ins: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The stand-ins, set in this process."""
    for name, value in stand_ins.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **stand_ins}

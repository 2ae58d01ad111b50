"""From a config or an archive to walks, and the tool that shows them."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.config import load_config
from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.visualization.browse_sources import VIEW_NAMES, load_walks

ROOT = Path(__file__).resolve().parents[1]
CONTRAST, LINEAR = ROOT / "configs/ssal_synthgait.py", ROOT / "configs/downstream/linear_synthgait.py"
FEW = {f"{role}.{key}": 1 for role in ("train_dataloader.dataset", "val_dataloader.dataset") for key in ("takes",)}
FEW |= {"train_dataloader.dataset.num_persons": 10, "val_dataloader.dataset.num_persons": 10}
FEW |= {"train_dataloader.batch_size": 8, "val_cfg.bank.takes": 1, "val_cfg.bank.num_persons": 10}
LINEAR_FEW = {key: value for key, value in FEW.items() if "bank" not in key}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight synthetic walkers, z up, walking away from where they start; the last one is unlabelled."""
    path = tmp_path_factory.mktemp("archive") / "walkers.gait.h5"
    info = ArchiveInfo("egait16", "m", "z", 30.0, MOODS, source="synthetic walkers", licence="Apache-2.0")
    with ArchiveWriter(path, info) as writer:
        for number, walk in enumerate(walkers()):
            label = MOODS[walk.label] if number < 7 else None
            writer.append(z_up(walk.positions), id=walk.id, subject=walk.person, label=label)
    return path


def walkers() -> list:
    return synthetic_walks(2, 1, seed=1)


def z_up(positions: np.ndarray) -> np.ndarray:
    return np.stack([positions[..., 0], -positions[..., 2], positions[..., 1]], axis=-1)


# What is loaded


def test_recordings_of_an_archive_are_the_stored_ones_turned_upright(archive: Path) -> None:
    walks = load_walks(archive, count=99)
    assert [walk.id for walk in walks.walks] == [walk.id for walk in walkers()]
    for walk, original in zip(walks.walks, walkers(), strict=True):
        np.testing.assert_array_equal(walk.views["recording"], original.positions)  # the walkers are y up
        assert walk.subject == original.person
    assert [walk.label for walk in walks.walks] == [*(MOODS[walk.label] for walk in walkers()[:7]), None]
    assert (walks.rate, walks.unit, walks.ground, walks.licence) == (30.0, "m", True, "Apache-2.0")
    assert "8 of 8" in walks.title


def test_contested_class_names_are_named_as_such_and_only_those(archive: Path, tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / "e.gait.h5", ArchiveInfo("egait16", "body", "y", source="E-Gait")) as writer:
        for number, name in enumerate(MOODS):
            writer.append(walkers()[number].positions, id=name, label=name)
    assert "contested" in load_walks(tmp_path / "e.gait.h5").class_note
    assert load_walks(archive).class_note == ""  # the same four names, of synthetic walkers


def test_walks_are_drawn_by_the_seed_alone_and_ids_keep_their_order(archive: Path) -> None:
    def drawn(seed: int) -> list[str]:
        return [walk.id for walk in load_walks(archive, count=4, seed=seed).walks]

    every = [walk.id for walk in load_walks(archive, count=8).walks]
    assert drawn(3) == drawn(3)
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1
    assert all(sorted(drawn(seed), key=every.index) == drawn(seed) and len({*drawn(seed)}) == 4 for seed in range(5))
    asked = [every[5], every[0], every[5]]
    assert [walk.id for walk in load_walks(archive, ids=asked).walks] == [every[5], every[0]]


def test_a_contrastive_config_gives_the_views_of_its_preprocessor_whatever_else_is_chosen() -> None:
    one, several = load_walks(CONTRAST, count=1, seed=2, options=FEW), load_walks(CONTRAST, count=99, options=FEW)
    walk = one.walks[0]
    again = load_walks(CONTRAST, ids=[several.walks[0].id, walk.id], seed=2, options=FEW).walks[1]
    cfg = load_config(CONTRAST, FEW)
    dataset, preprocessor = DATASETS.build(cfg.train_dataloader.dataset), MODELS.build(cfg.model.data_preprocessor)
    index = dataset.ids.index(walk.id)
    preprocessor.seed(2, index)
    sample = dataset[index]
    batch = {"inputs": sample["inputs"][None], "label": sample["label"][None], "id": [sample["id"]]}
    expected = preprocessor(batch, training=True)["inputs"]
    assert list(walk.views) == [VIEW_NAMES[name] for name in expected] and len(expected) == 3
    for name, view in expected.items():
        np.testing.assert_array_equal(walk.views[VIEW_NAMES[name]], view[0].numpy().transpose(1, 2, 0))
        np.testing.assert_array_equal(walk.views[VIEW_NAMES[name]], again.views[VIEW_NAMES[name]])
    assert (walk.label, walk.subject) == (MOODS[int(sample["label"])], dataset.groups[index])
    assert not one.ground and one.rate is None and len(several.walks) == len(dataset)


def test_a_downstream_config_gives_one_view_as_the_network_sees_it() -> None:
    walks = load_walks(LINEAR, count=3, options=LINEAR_FEW)
    dataset = DATASETS.build(load_config(LINEAR, LINEAR_FEW).train_dataloader.dataset)
    for walk in walks.walks:
        (view,) = walk.views.values()
        np.testing.assert_array_equal(view, dataset[dataset.ids.index(walk.id)]["inputs"].numpy().transpose(1, 2, 0))


def test_bones_of_another_stream_are_not_drawn_as_positions() -> None:
    options = {**FEW, "model.data_preprocessor.stream": "bone"}
    bones, joints = (load_walks(CONTRAST, count=1, options=each) for each in (options, FEW))
    for name, view in joints.walks[0].views.items():
        np.testing.assert_array_equal(bones.walks[0].views[name], view)


@pytest.mark.parametrize(
    ("source", "choice", "message"),
    [
        ("{archive}", {"ids": ["person000_sad"]}, "no walk of this id.*'person000_sad'.*person000_sad_take0"),
        ("{archive}", {"count": 0}, "--count.*at least one"),
        ("{archive}", {"seed": -1}, "--seed.*-1"),
        ("{archive}", {"options": {"fold": 1}}, "--cfg-options.*no config"),
        ("none.gait.h5", {}, "none.gait.h5: no such archive"),
        ("none.py", {}, "none.py: no such config"),
        ("walks.csv", {}, "neither a config nor an archive"),
        (str(ROOT / "configs/_base_/loaders.py"), {}, "no complete config.*model"),
    ],
)
def test_what_cannot_be_loaded_is_named(archive: Path, source: str, choice: dict, message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        load_walks(source.format(archive=archive), **choice)


def test_more_than_can_be_looked_at_is_refused_unread(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("coordinates were read")

    monkeypatch.setattr("mmgaitemo.visualization.browse_sources.LARGEST", 1000)
    monkeypatch.setattr("mmgaitemo.archive.GaitArchive.iterate", fail)
    with pytest.raises(ConfigError, match="too many or too long"):
        load_walks(archive)


# The tool


def run_tool(*words: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["browse_dataset.py", *map(str, words)])
    runpy.run_path(str(ROOT / "tools/analysis/browse_dataset.py"), run_name="__main__")


@pytest.mark.parametrize("kind", ["png", "gif", "html"])
def test_the_tool_writes_what_the_suffix_says(
    kind: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = {"png": b"\x89PNG", "gif": b"GIF89a", "html": b"<!DOCTYPE html>"}
    out = tmp_path / "new" / f"walks.{kind}"
    run_tool(archive, out, "--count", 1, monkeypatch=monkeypatch)
    assert out.read_bytes().startswith(starts[kind])
    assert "1 of 8 walks" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("walks.jpg",), r"walks\.jpg: no such kind of picture.*\.html"),
        (("w.png", "--ids", "nobody"), "no walk of this id.*'nobody'"),
        (("w.png", "--count", "0"), "--count.*at least one"),
        (("folder.png",), "this is a folder"),
        (("file/w.html",), "cannot be written"),
    ],
)
def test_the_tool_ends_in_one_line_that_helps(
    words: tuple[str, ...], message: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("a file")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message) as raised:
        run_tool(archive, *words, monkeypatch=monkeypatch)
    assert str(raised.value).startswith("error: ") and "\n" not in str(raised.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]

"""tools/dataset_converters/egait.py: the archive gives what the native files give, and the counts are compared."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from commands import as_program
from conftest import write_pair
from converter_runs import converter, run_converter
from runs import ROOT
from torch.utils.data import DataLoader, default_collate

from mmgaitemo.archive import GaitArchive
from mmgaitemo.conversion.egait import ELMD, OWN
from mmgaitemo.datasets import GaitDataset
from mmgaitemo.datasets.gait_dataset import EGAIT_CLASSES
from mmgaitemo.errors import ConfigError, DataError

REAL = Path(os.environ.get("MMGAITEMO_DATA", ROOT.parent / "shared" / "data")) / "egait_own"
PIPELINE = dict(
    order=("time", "root", "scale", "heading", "pack"),
    time=dict(type="TileCyclic", length=48),
    root=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    heading=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)
Convert = Callable[..., int]


@pytest.fixture(scope="module")
def tool() -> Convert:
    return converter("egait")


def folds_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "folds.csv").open() as file:
        return {row["key"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("real", [False, pytest.param(True, id="real")])
def test_the_archive_gives_the_batches_of_the_native_files(
    tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str], real: bool
) -> None:
    if real and not REAL.is_dir():
        pytest.skip("E-Gait's own part is not here: set MMGAITEMO_DATA to the folder that contains egait_own")
    folder = REAL if real else write_pair(tmp_path / "native")
    assert tool(folder, tmp_path / "e.gait.h5") == 0
    printed = capsys.readouterr().out
    assert ("are as documented" in printed) == real and ("warning: not as documented" in printed) != real
    assert "contested" in printed
    native = dict(features="features.h5", labels="labels.h5")
    for split in ("train", "test"):
        batches = []
        for root, files in ((folder, native), (tmp_path, dict(archive="e.gait.h5"))):
            data = GaitDataset(
                data_root=str(root),
                files=dict(own=files),
                pipeline=PIPELINE,
                fold_file=str((folder / "folds.csv").resolve()),
                split=split,
                fold=1,
            )
            shuffled = torch.manual_seed(0)
            loader = DataLoader(data, batch_size=7, shuffle=True, generator=shuffled, collate_fn=default_collate)
            batches.append((list(loader), data.groups, data.labels.tolist()))
        (ours, *persons), (theirs, *groups) = batches
        assert persons == groups and len(ours) == len(theirs) > 0
        for one, other in zip(ours, theirs, strict=True):
            assert one["id"] == other["id"] and one.keys() == other.keys()
            assert torch.equal(one["inputs"], other["inputs"]) and torch.equal(one["label"], other["label"])


def test_everything_the_files_say(tool: Convert, tmp_path: Path) -> None:
    folder = write_pair(tmp_path / "native", persons=5)
    rows = folds_of(folder)
    assert tool(folder, tmp_path / "e.gait.h5", "--assume-rate", "30") == 0
    with GaitArchive(tmp_path / "e.gait.h5") as archive, h5py.File(folder / "features.h5") as features:
        info = archive.info
        assert (info.skeleton, info.unit, info.up, info.rate) == ("egait16", "body", "y", 30)
        assert info.label_names == EGAIT_CLASSES and archive.ids == sorted(rows)
        assert archive.labels.tolist() == [int(rows[key]["label"]) for key in archive.ids]
        assert archive.subjects == archive.groups == [rows[key]["group"] for key in archive.ids]
        for name in ("acted", "source"):
            assert list(archive.extra[name]) == [rows[key][name] for key in archive.ids]
        for key, positions in zip(archive.ids, archive.iterate(), strict=True):
            np.testing.assert_array_equal(positions.reshape(len(positions), -1), features[key][()], strict=True)


def test_without_persons(tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pair(tmp_path / "native", persons=5)
    for options in (["--folds", ""], []):
        assert tool(folder, tmp_path / "e.gait.h5", "--force", *options) == 0
        assert "a person of its own" in capsys.readouterr().out
        with GaitArchive(tmp_path / "e.gait.h5") as archive:
            assert archive.groups == archive.ids and not any(archive.subjects)
            assert not archive.extra and archive.info.rate is None
        (folder / "folds.csv").unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"other\.csv"):
        tool(folder, tmp_path / "e.gait.h5", "--force", "--folds", "other.csv")


def counted_pair(folder: Path, names: tuple[str, str], classes: tuple[int, ...], lengths: tuple[int, int]) -> None:
    """A pair of so many gaits per class; one is of the first length, all others of the second."""
    folder.mkdir(parents=True, exist_ok=True)
    walk = np.random.default_rng(0).normal(size=(max(lengths), 48))
    labels = np.repeat(np.arange(4), classes)
    with h5py.File(folder / names[0], "w") as features, h5py.File(folder / names[1], "w") as file:
        for number, label in enumerate(labels):
            features[f"{number}"] = walk[: lengths[number > 0]]
            file[f"{number}"] = label


def test_the_documented_counts(tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers as documented, typed here again: 342 gaits of 18 to 75 frames, 1,835 of 240."""
    assert (sum(OWN.classes), sum(ELMD.classes)) == (342, 1835)
    own = ("features.h5", "labels.h5")
    counted_pair(tmp_path, own, (112, 33, 78, 119), (18, 75))
    assert tool(tmp_path, tmp_path / "e.gait.h5", "--dry-run") == 0
    assert "are as documented for E-Gait's own part" in capsys.readouterr().out
    counted_pair(tmp_path, own, (113, 32, 78, 118), (17, 75))
    assert tool(tmp_path, tmp_path / "e.gait.h5", "--dry-run") == 0
    printed = capsys.readouterr().out
    for words in ("gaits: 341, documented 342", "label 0: 113, documented 112", "label 1: 32, documented 33"):
        assert f"warning: not as documented for E-Gait's own part: {words}" in printed.replace(
            "gaits of label", "label"
        )
    assert "shortest gait: 17, documented 18" in printed and "longest" not in printed


def test_every_fifth_frame_of_elmd(tool: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("features_ELMD.h5", "labels_ELMD.h5")
    counted_pair(tmp_path, names, (1048, 454, 254, 79), (240, 240))
    out = tmp_path / "e.gait.h5"
    options = ["--features", names[0], "--labels", names[1], "--frame-step", "5", "--assume-rate", "60"]
    assert tool(tmp_path, out, *options) == 0
    assert "are as documented for E-Gait's ELMD" in capsys.readouterr().out
    with GaitArchive(out) as archive, h5py.File(tmp_path / names[0]) as features:
        assert archive.lengths.tolist() == [48] * 1835 and archive.info.rate == 12
        np.testing.assert_array_equal(archive.positions(0).reshape(48, -1), features[archive.ids[0]][::5])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("key,label,acted,source,group", "key,label,acted,source,person", "group"),
        (",synthetic,", ",syn\x01thetic,", "control"),
        (None, "stranger.csv,0,,synthetic,x,0\n", "1 not there"),
        (",0,,synthetic,", ",1,,synthetic,", "label"),
    ],
)
def test_a_fold_file_that_does_not_fit_is_refused(
    tool: Convert, tmp_path: Path, old: str | None, new: str, words: str
) -> None:
    folds = write_pair(tmp_path, persons=5) / "folds.csv"
    text = folds.read_text()
    folds.write_text(text.replace(old, new) if old else text + new)
    with pytest.raises(DataError) as error:
        tool(tmp_path, tmp_path / "e.gait.h5")
    assert words in str(error.value) and "folds.csv" in str(error.value), error.value
    assert not (tmp_path / "e.gait.h5").exists()


def test_bad_files_are_refused_whole(tool: Convert, tmp_path: Path) -> None:
    out = tmp_path / "e.gait.h5"
    with pytest.raises(ConfigError, match="--frame-step"):
        tool(tmp_path, out, "--frame-step", "0")
    with pytest.raises(DataError, match=r"features\.h5: no such file"):
        tool(tmp_path, out)
    folder = write_pair(tmp_path, persons=5)
    with h5py.File(folder / "features.h5", "r+") as file:
        key = sorted(file)[3]
        file[key][4, 5] = np.nan
    result = run_converter("egait", folder, "e.gait.h5", cwd=tmp_path, run=as_program)
    assert result.returncode == 1 and result.stderr.startswith("error: ") and key in result.stderr, result.stderr
    with h5py.File(folder / "features.h5", "r+") as file:
        del file[key]
    with pytest.raises(DataError, match=key):
        tool(folder, out)
    assert not out.exists()

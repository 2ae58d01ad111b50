"""GaitDataset on archives: the walks of E-Gait's own files, several sources together, persons never parted."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from conftest import write_pair
from torch.utils.data import DataLoader, default_collate

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.datasets import GaitDataset, prepared
from mmgaitemo.datasets.egait_files import read_features, read_labels
from mmgaitemo.datasets.gait_dataset import EGAIT_CLASSES
from mmgaitemo.datasets.sources import ArchiveFile
from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import EGAIT16

REAL = Path(os.environ.get("MMGAITEMO_DATA", "../shared/data")) / "egait_own"
PIPELINE = dict(
    order=("time", "root", "scale", "heading", "pack"),
    time=dict(type="TileCyclic", length=48),
    root=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    heading=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)


def native_to_archive(folder: Path, out: Path) -> None:
    """By hand, so that the comparison does not lean on the converter."""
    gaits = read_features(folder / "features.h5", EGAIT16)
    labels = read_labels(folder / "labels.h5", folder / "features.h5", gaits, EGAIT_CLASSES)
    with (folder / "folds.csv").open() as file:
        persons = {row["key"]: row["group"] for row in csv.DictReader(file)}
    info = ArchiveInfo(skeleton="egait16", unit="body", up="y", label_names=EGAIT_CLASSES)
    with ArchiveWriter(out, info, dtype="float64") as archive:
        for key, positions in gaits.items():
            archive.append(positions, id=key, subject=persons[key], label=EGAIT_CLASSES[labels[key]])


def archive_of(path: Path, persons: int = 5, prefix: str = "", labels: tuple[str, ...] = tuple(MOODS)) -> Path:
    info = ArchiveInfo(skeleton="egait16", unit="body", up="y", rate=30.0, label_names=labels)
    with ArchiveWriter(path, info) as archive:
        for walk in synthetic_walks(persons, 1, seed=3):
            archive.append(
                walk.positions, id=prefix + walk.id, subject=walk.person, label=labels[walk.label] if labels else None
            )
    return path


def gaits(root: Path, files: dict[str, Any], **changes: Any) -> GaitDataset:
    config: dict[str, Any] = dict(data_root=str(root), files=files, pipeline=PIPELINE, fold_file=None, classes=MOODS)
    return GaitDataset(**{**config, **changes})


@pytest.mark.parametrize("real", [False, pytest.param(True, id="real")])
def test_the_archive_gives_the_batches_of_the_native_files(tmp_path: Path, real: bool) -> None:
    if real and not REAL.is_dir():
        pytest.skip(f"no real data in {REAL}; set MMGAITEMO_DATA")
    folder = REAL if real else write_pair(tmp_path / "native")
    native_to_archive(folder, tmp_path / "egait.gait.h5")
    sources = {
        "native": (folder, dict(own=dict(features="features.h5", labels="labels.h5"))),
        "archive": (tmp_path, dict(own=dict(archive="egait.gait.h5"))),
    }
    for split in ("train", "test"):
        batches = {}
        for name, (root, files) in sources.items():
            data = gaits(
                root, files, fold_file=str((folder / "folds.csv").resolve()), classes=EGAIT_CLASSES, split=split, fold=2
            )
            loader = DataLoader(
                data, batch_size=7, shuffle=True, generator=torch.manual_seed(0), collate_fn=default_collate
            )
            batches[name] = (list(loader), data.groups)
        (native, persons), (archive, groups) = batches["native"], batches["archive"]
        assert persons == groups
        assert len(native) == len(archive) > 0
        for one, other in zip(native, archive, strict=True):
            assert one["id"] == other["id"]
            assert torch.equal(one["inputs"], other["inputs"])
            assert torch.equal(one["label"], other["label"])


def test_folds_never_part_the_groups_of_an_archive(tmp_path: Path) -> None:
    archive_of(tmp_path / "a.gait.h5")
    held_out = []
    for fold in range(5):
        test = gaits(tmp_path, dict(a=dict(archive="a.gait.h5")), split="test", fold=fold)
        train = gaits(tmp_path, dict(a=dict(archive="a.gait.h5")), split="train", fold=fold)
        assert set(test.groups).isdisjoint(train.groups)
        assert len(test) + len(train) == 20
        held_out.append(set(test.groups))
    assert [len(persons) for persons in held_out] == [1] * 5  # as many folds as persons: leave one person out
    assert len(set.union(*held_out)) == 5


def test_a_person_in_two_archives_is_one_person(tmp_path: Path) -> None:
    archive_of(tmp_path / "a.gait.h5")
    archive_of(tmp_path / "b.gait.h5", prefix="again:")
    files = dict(a=dict(archive="a.gait.h5"), b=dict(archive="b.gait.h5"))
    for fold in range(5):
        train, test = (gaits(tmp_path, files, split=split, fold=fold) for split in ("train", "test"))
        assert len(test) == 8
        assert set(test.groups).isdisjoint(train.groups)


def test_an_archive_that_is_replaced_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    archive_of(tmp_path / "a.gait.h5")
    index = ArchiveFile.index

    def replace_behind(*arguments: Any) -> Any:
        records = index(*arguments)
        (tmp_path / "a.gait.h5").unlink()
        archive_of(tmp_path / "a.gait.h5", prefix="new:")
        return records

    monkeypatch.setattr(ArchiveFile, "index", replace_behind)
    with pytest.raises(DataError, match="replaced while it was read"):
        gaits(tmp_path, dict(a=dict(archive="a.gait.h5")))


def test_a_file_with_an_old_time_stamp_is_read_anew(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.gait.h5")
    before, stat = gaits(tmp_path, dict(a=dict(archive="a.gait.h5"))).inputs, path.stat()
    with h5py.File(path, "r+") as file:
        file["positions"][...] = file["positions"][()][:, ::-1]
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert not torch.equal(gaits(tmp_path, dict(a=dict(archive="a.gait.h5"))).inputs, before)


def test_pretrain_only_walks_are_unlabelled_and_always_trained_on(tmp_path: Path) -> None:
    archive_of(tmp_path / "a.gait.h5")
    archive_of(tmp_path / "b.gait.h5", prefix="other:", labels=("w", "x", "y", "z"))
    files = dict(a=dict(archive="a.gait.h5"), b=dict(archive="b.gait.h5", pretrain_only=True))
    alone = gaits(tmp_path, dict(a=dict(archive="a.gait.h5")), fold=1)
    both = gaits(tmp_path, files, fold=1)
    extra = [index for index, name in enumerate(both.ids) if name.startswith("other:")]
    assert len(extra) == 20
    assert (both.labels[extra] == -1).all()
    assert [name for name in both.ids if not name.startswith("other:")] == alone.ids
    test = gaits(tmp_path, files, split="test", fold=1)
    assert test.ids == gaits(tmp_path, dict(a=dict(archive="a.gait.h5")), split="test", fold=1).ids
    tenth = gaits(tmp_path, files, fold=1, label_fraction=0.1)
    assert (tenth.labels == -1).sum() == 20  # they cost no label
    assert (tenth.labels >= 0).sum() == 4


def test_native_files_and_archives_stand_side_by_side(tmp_path: Path) -> None:
    write_pair(tmp_path)
    archive_of(tmp_path / "a.gait.h5", prefix="archive:")
    files = dict(own=dict(features="features.h5", labels="labels.h5"), a=dict(archive="a.gait.h5", pretrain_only=True))
    data = gaits(tmp_path, files, fold_file="folds.csv")
    order = [name.startswith("archive:") for name in data.ids]
    assert order == sorted(order, reverse=True)  # sources in the order of their names
    alone = gaits(tmp_path, dict(a=dict(archive="a.gait.h5")), split="all")
    assert torch.equal(data.inputs[: len(alone)], alone.inputs)


def test_sequences_are_prepared_once_and_anew_when_a_file_changes(tmp_path: Path, monkeypatch: Any) -> None:
    archive_of(tmp_path / "a.gait.h5")
    calls = []
    prepare = GaitDataset._prepare_all
    monkeypatch.setattr(GaitDataset, "_prepare_all", lambda self, records: calls.append(1) or prepare(self, records))
    prepared._inputs.clear()
    files = dict(a=dict(archive="a.gait.h5"))
    first = gaits(tmp_path, files)
    gaits(tmp_path, files, split="test", fold=3)
    assert len(calls) == 1
    before = first.inputs.clone()
    first.inputs.add_(1)  # a copy: the data sets that share the cache stay as they are
    assert torch.equal(gaits(tmp_path, files).inputs, before)
    gaits(tmp_path, files, pipeline=PIPELINE | dict(time=dict(type="TileCyclic", length=32)))
    assert len(calls) == 2
    (tmp_path / "a.gait.h5").unlink()
    archive_of(tmp_path / "a.gait.h5", persons=6)
    assert len(gaits(tmp_path, files, split="all")) == 24
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("files", "changes", "error", "message"),
    [
        (dict(a=dict(archive="none.gait.h5")), {}, DataError, "no such file"),
        (dict(a=dict(archive="a.gait.h5")), dict(classes=("w", "x", "y", "z")), ConfigError, "other classes"),
        (dict(a=dict(archive="a.gait.h5")), dict(skeleton="kinect25"), ConfigError, "another layout"),
        (dict(a=dict(archive="a.gait.h5"), b=dict(archive="a.gait.h5")), {}, DataError, "same key"),
        (dict(a=dict(archive="a.gait.h5", pretrain_only=True)), {}, ConfigError, "nothing can be held out"),
        (dict(a=dict(archive="a.gait.h5", pretrain_only="yes")), {}, ConfigError, "True or False"),
        (dict(a=dict(archive="a.gait.h5", labels=None)), {}, ConfigError, "needs archive="),
        (dict(a=dict(archive=5)), {}, ConfigError, "files.a.archive"),
        (dict(a=dict(features=None, labels=None)), {}, ConfigError, "files.a.features"),
        (dict(a=5), {}, ConfigError, "files.a: is no source"),
        (dict(a=dict(archive="a.gait.h5")), dict(num_folds=6), ConfigError, "more folds than persons"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, files: dict, changes: dict, error: type, message: str) -> None:
    archive_of(tmp_path / "a.gait.h5")
    with pytest.raises(error, match=message):
        gaits(tmp_path, files, **changes)


def test_a_walk_of_an_archive_is_what_was_written(tmp_path: Path) -> None:
    """Through an identity pipeline, whatever the order of reading."""
    walks = synthetic_walks(5, 1, seed=3)
    archive_of(tmp_path / "a.gait.h5")
    plain = dict(order=("time", "pack"), time=dict(type="TileCyclic", length=20), pack=dict(type="PackGait"))
    data = gaits(tmp_path, dict(a=dict(archive="a.gait.h5")), pipeline=plain, fold=2)
    written = {walk.id: walk.positions[:20].transpose(2, 0, 1) for walk in walks}
    for index, name in enumerate(data.ids):
        assert np.allclose(data[index]["inputs"].numpy(), written[name], atol=1e-6)

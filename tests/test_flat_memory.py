"""Prepared walks lie in a file: the same numbers in batches of any kind, in any process, at flat memory."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from torch.utils.data import DataLoader, Subset, default_collate

from mmgaitemo.benchmark.memory import INPUT_BYTES, PIPELINE, peak_mib, write_archive
from mmgaitemo.datasets import GaitDataset, SyntheticGait, gait_collate
from mmgaitemo.datasets.prepared import PreparedInputs
from mmgaitemo.datasets.synthetic_walks import MOODS
from mmgaitemo.errors import DataError

ROWS = torch.randn(50, 3, 4, 5)


@pytest.fixture(scope="module")
def dataset() -> SyntheticGait:
    return SyntheticGait(num_persons=6, takes=1, num_folds=3, pipeline=PIPELINE)


def same(batch: dict, other: dict) -> bool:
    tensors = all(torch.equal(batch[key], other[key]) for key in ("inputs", "label"))
    return tensors and batch["id"] == other["id"] and batch.keys() == other.keys() == {"inputs", "label", "id"}


@pytest.mark.parametrize("rows", [[], [7], [49, 0, 7, 7, 8, 9, 48, 49, 3], list(range(50)), list(range(49, -1, -1))])
def test_rows_are_read_as_a_tensor_is_indexed(rows: list[int]) -> None:
    read = PreparedInputs(iter(ROWS), 50).read(rows)
    assert torch.equal(read, ROWS[rows])
    assert read.is_contiguous()


def test_rows_may_lie_anyhow_in_memory_and_be_of_any_type() -> None:
    rows = torch.arange(24, dtype=torch.float64).reshape(4, 2, 3).transpose(1, 2)
    assert torch.equal(PreparedInputs(iter(rows), 4).read([2, 0]), rows[[2, 0]])


def test_a_batch_is_what_its_samples_make(dataset: SyntheticGait) -> None:
    for indices in ([3], [5, 4, 15, 0, 5], [-1, 2], range(16)):
        batch = gait_collate(dataset.__getitems__(indices))
        assert same(batch, default_collate([dataset[index] for index in indices]))
        assert same(batch, default_collate(dataset.__getitems__(indices)))  # whoever brings another collate_fn


def test_a_batch_belongs_to_who_asked_for_it(dataset: SyntheticGait) -> None:
    before = dataset.inputs
    dataset.__getitems__([0, 1]).whole["inputs"].zero_()
    dataset[0]["inputs"].zero_()
    assert torch.equal(dataset.inputs, before)
    with pytest.raises(IndexError):
        dataset[len(dataset)]


@pytest.mark.parametrize(("workers", "start"), [(0, None), (2, "fork"), (1, "spawn")])
def test_a_loader_reads_whole_batches_in_any_process(dataset: SyntheticGait, workers: int, start: str | None) -> None:
    loader = DataLoader(
        dataset, batch_size=5, num_workers=workers, multiprocessing_context=start, collate_fn=gait_collate
    )
    batches = list(loader)
    assert same(
        {key: [row for batch in batches for row in batch[key]] for key in ("id",)}
        | {key: torch.cat([batch[key] for batch in batches]) for key in ("inputs", "label")},
        {"inputs": dataset.inputs, "label": dataset.labels, "id": dataset.ids},
    )


def test_wrapped_data_sets_give_the_same_batches(dataset: SyntheticGait) -> None:
    count = len(dataset)
    wrapped = [
        RepeatDataset(dataset, times=2),
        ConcatDataset([dataset, dataset]),
        Subset(dataset, [*range(count), *range(count)]),
        ClassBalancedDataset(dataset, oversample_thr=1e-3),
    ]
    for data in wrapped:
        batch = next(iter(DataLoader(data, batch_size=count, collate_fn=gait_collate)))
        assert same(batch, gait_collate(dataset.__getitems__(range(count))))


def test_a_copy_outlives_the_file(dataset: SyntheticGait) -> None:
    original = PreparedInputs(iter(ROWS), 50)
    copies = [copy.deepcopy(original), pickle.loads(pickle.dumps(original))]
    del original
    gc.collect()
    for one in copies:
        assert torch.equal(one.read(range(50)), ROWS)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = len(os.listdir("/proc/self/fd"))
    prepared = PreparedInputs(iter(ROWS), 50)
    assert not list(tmp_path.iterdir())  # no name: gone even if the process is killed
    assert len(os.listdir("/proc/self/fd")) == files + 1
    del prepared
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == files


@contextmanager
def small_files() -> Iterator[None]:
    """Files of at most 4 kB, what a full disk looks like from inside; no longer than needed, for pytest's own log."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_named() -> None:
    with pytest.raises(DataError, match=r"cannot be written.*0\.0 MB are needed.*TMPDIR") as caught, small_files():
        PreparedInputs(iter(ROWS), 50)
    assert tempfile.gettempdir() in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"none.*no such folder.*TMPDIR"):
        PreparedInputs(iter(ROWS), 50)


def test_ids_groups_and_labels_are_known_without_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_archive(tmp_path / "a.gait.h5", 40)
    data = GaitDataset(
        data_root=str(tmp_path),
        files=dict(a=dict(archive="a.gait.h5")),
        pipeline=PIPELINE,
        classes=MOODS,
        fold_file=None,
    )
    monkeypatch.setattr(PreparedInputs, "read", None)
    infos = [data.get_data_info(index) for index in range(-1, len(data))]
    assert [info["id"] for info in infos[1:]] == data.ids
    assert [info["group"] for info in infos[1:]] == data.groups
    assert [info["label"] for info in infos[1:]] == data.labels.tolist()
    assert infos[0] == infos[-1]
    assert [info["sample_idx"] for info in infos[1:]] == list(range(len(data)))


def test_memory_does_not_grow_with_the_archive() -> None:
    """Ten times the walks may cost their names, labels and persons: a small part of what their inputs would."""
    few, many = 2000, 20000
    growth = peak_mib(many) - peak_mib(few)
    assert growth < 0.2 * (many - few) * INPUT_BYTES / 2**20

"""The dataset classes: what is loaded, who is in which split, and how MMEngine and PyTorch see it."""

from __future__ import annotations

import csv
import os
import pickle
import time
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from mmengine.dataset import ClassBalancedDataset, RepeatDataset
from mmengine.runner import Runner
from torch.utils.data import DataLoader, default_collate

from mmgaitemo.datasets import GaitDataset, SkeletonDataset, SyntheticGait
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.registry import DATASETS
from mmgaitemo.skeleton import COCO17, EGAIT16, Skeleton

NORMALISE = dict(
    order=("length", "centre", "scale", "heading", "pack"),
    length=dict(type="TileCyclic", length=48),
    centre=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    heading=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)
OWN = dict(own=dict(features="features.h5", labels="labels.h5"))
PERSONS, CLASSES = 10, 4


def toy_gaits(skeleton: Skeleton = EGAIT16, prefix: str = "p") -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Keys ``p03_2.csv`` (person 3, label 2) to rows (T, 3 V) and labels."""
    rng = np.random.default_rng(len(prefix))
    features, labels = {}, {}
    for person in range(PERSONS):
        for label in range(CLASSES):
            key = f"{prefix}{person:02d}_{label}.csv"
            body = rng.normal(0, 0.4, (1, skeleton.num_joints, 3))
            frames = int(rng.integers(20, 60))
            walk = body + rng.normal(0, 0.02, (frames, skeleton.num_joints, 3))
            features[key], labels[key] = walk.reshape(frames, -1), label
    return features, labels


def write_hdf5(path: Path, content: dict[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        for key, value in content.items():
            file[key] = value


def write_folds(path: Path, labels: dict[str, int], num_folds: int = 5) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "label", "acted", "source", "group", "fold"])
        for key, label in labels.items():
            person = key.split("_")[0]
            writer.writerow([key, label, "", "toy", person, int(person[1:]) % num_folds])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("egait")
    features, labels = toy_gaits()
    write_hdf5(folder / "features.h5", features)
    write_hdf5(folder / "labels.h5", labels)
    write_folds(folder / "folds.csv", labels)
    return folder


def gaits(root: Path, **changes: Any) -> GaitDataset:
    config = dict(type="GaitDataset", data_root=str(root), files=OWN, pipeline=NORMALISE)
    return DATASETS.build(config | changes)


def synthetic(**changes: Any) -> SyntheticGait:
    return DATASETS.build(dict(type="SyntheticGait", num_persons=6, takes=1, num_folds=3, pipeline=NORMALISE) | changes)


@pytest.fixture(params=["files", "synthetic"])
def build(request: pytest.FixtureRequest, root: Path):
    return (lambda **changes: gaits(root, **changes)) if request.param == "files" else synthetic


def reference_inputs(rows: np.ndarray, length: int = 48) -> np.ndarray:
    """Tiling, centring, scaling, heading and layout of one E-Gait sequence, step by step in loops: (3, T, V)."""
    walk = [rows[t % len(rows)].reshape(16, 3) for t in range(length)]
    walk = [frame - frame[0] for frame in walk]
    trunk = sum(np.linalg.norm(frame[2]) for frame in walk) / length
    walk = [frame / trunk for frame in walk]
    x, _, z = sum(frame[10] - frame[13] for frame in walk) / length
    angle = np.pi - np.arctan2(z, x)
    out = np.empty((3, length, 16))
    for t, frame in enumerate(walk):
        for v, (px, py, pz) in enumerate(frame):
            out[0, t, v] = np.cos(angle) * px - np.sin(angle) * pz
            out[1, t, v] = py
            out[2, t, v] = np.sin(angle) * px + np.cos(angle) * pz
    return out


# ---- what a dataset is ------------------------------------------------------------------------------------------


def test_a_sample_is_the_normalised_sequence_with_its_label_and_key(root: Path):
    dataset = gaits(root, split="all")
    features, labels = toy_gaits()
    assert sorted(dataset.ids) == sorted(features)
    for sample in (dataset[0], dataset[17], dataset[-1]):
        assert set(sample) == {"inputs", "label", "id"}
        assert sample["inputs"].dtype == torch.float32
        assert np.allclose(sample["inputs"], reference_inputs(features[sample["id"]]), atol=1e-5)
        assert int(sample["label"]) == labels[sample["id"]]


def test_inputs_are_one_contiguous_tensor_and_every_list_has_its_order(build):
    dataset = build(split="all")
    count = len(dataset)
    assert dataset.inputs.shape == (count, 3, 48, 16)
    assert dataset.inputs.is_contiguous()
    assert dataset.labels.dtype == torch.int64
    assert len(dataset.ids) == len(set(dataset.ids)) == len(dataset.groups) == count
    for i in range(count):
        assert dataset[i]["id"] == dataset.ids[i] == dataset.get_data_info(i)["id"]
        assert int(dataset[i]["label"]) == dataset.labels[i] == dataset.get_data_info(i)["label"]
        assert torch.equal(dataset[i]["inputs"], dataset.inputs[i])


def test_building_twice_gives_the_same_bits(build):
    first, second = build(), build()
    assert first.ids == second.ids
    assert torch.equal(first.inputs, second.inputs)


def test_metainfo_names_layout_and_classes(build):
    info = build(metainfo=dict(licence="none", skeleton="mine")).metainfo
    assert info["dataset_type"] in ("GaitDataset", "SyntheticGait")
    assert info["licence"] == "none"
    assert info["skeleton"] == "mine"
    assert isinstance(info["classes"], tuple)
    assert build().metainfo["skeleton"] == "egait16"


def test_contested_names_are_named_wherever_they_are_used(root: Path):
    assert gaits(root).metainfo["classes"] == ("happy", "angry", "sad", "neutral")
    for classes in (("happy", "angry", "sad", "neutral"), ["Angry", "Neutral", "Happy", "Sad"]):
        note = gaits(root, classes=classes).metainfo["class_note"]
        assert "contested" in note
        assert "STEP" in note
        assert "0 happy, 1 angry, 2 sad, 3 neutral" in note
    assert gaits(root, classes=["a", "b", "c", "d"]).metainfo["class_note"] == ""
    assert synthetic().metainfo["class_note"] == ""


# ---- who is in which split --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fold", [0, 2])
def test_train_and_test_part_the_data_and_no_person(build, fold: int):
    train, test, every = (build(split=split, fold=fold) for split in ("train", "test", "all"))
    assert set(train.ids) | set(test.ids) == set(every.ids)
    assert len(train) + len(test) == len(every)
    assert not set(train.groups) & set(test.groups)
    assert len(test) > 0


def test_each_sequence_is_tested_in_exactly_one_fold(build):
    num_folds = build().num_folds
    tested = Counter(key for fold in range(num_folds) for key in build(split="test", fold=fold).ids)
    assert tested == Counter(build(split="all").ids)


def test_fold_file_decides(root: Path):
    assert set(gaits(root, split="test", fold=3).groups) == {"p03", "p08"}


def test_without_a_fold_file_persons_come_from_the_pattern(root: Path):
    def test_groups(fold: int, **changes: Any) -> set[str]:
        return set(gaits(root, fold_file=None, split="test", fold=fold, **changes).groups)

    by_person = [test_groups(fold, person_pattern=r"^(p\d+)_") for fold in range(5)]
    assert sum(map(len, by_person)) == PERSONS
    assert set().union(*by_person) == {f"own:p{person:02d}" for person in range(PERSONS)}
    assert by_person != [test_groups(fold, person_pattern=r"^(p\d+)_", split_seed=1) for fold in range(5)]
    ungrouped = [test_groups(fold) for fold in range(5)]
    assert sum(map(len, ungrouped)) == PERSONS * CLASSES  # every gait a person of its own
    half = gaits(root, fold_file=None, split="all", person_pattern=r"^(p0[0-4])_")
    assert Counter(half.groups)["own:p03"] == 4
    assert Counter(half.groups)["p07_2.csv"] == 1


def test_one_person_out_by_num_folds(root: Path):
    for fold in range(PERSONS):
        dataset = gaits(root, fold_file=None, person_pattern=r"^(p\d+)_", num_folds=PERSONS, fold=fold, split="test")
        assert set(dataset.groups) == {f"own:p{fold:02d}"}


def test_label_fractions_nest_keep_the_classes_and_touch_the_training_set_only(build):
    whole = build(split="train")
    chosen = [build(split="train", label_fraction=fraction, label_seed=4) for fraction in (0.01, 0.3, 0.6)]
    sizes = [len(dataset) for dataset in chosen] + [len(whole)]
    assert sizes == sorted(sizes)
    assert sizes[0] == CLASSES  # one of each
    for small, large in zip(chosen, [*chosen[1:], whole], strict=True):
        assert set(small.ids) < set(large.ids)
        assert len(set(Counter(small.labels.tolist()).values())) == 1
    row = chosen[1].ids.index(chosen[0].ids[0])
    assert torch.equal(chosen[1].inputs[row], chosen[0].inputs[0])
    assert set(build(label_fraction=0.3, label_seed=5).ids) != set(chosen[1].ids)


# ---- several sources, other layouts -------------------------------------------------------------------------------


def test_sources_are_joined_and_each_is_thinned_by_its_own_frame_step(root: Path, tmp_path: Path):
    features, labels = toy_gaits(prefix="elmd")
    write_hdf5(tmp_path / "features_ELMD.h5", {key: np.repeat(rows, 5, axis=0) for key, rows in features.items()})
    write_hdf5(tmp_path / "labels_ELMD.h5", labels)
    elmd = dict(features=str(tmp_path / "features_ELMD.h5"), labels=str(tmp_path / "labels_ELMD.h5"), frame_step=5)
    both = gaits(root, files=dict(OWN, elmd=elmd), fold_file=None, split="all")
    assert len(both) == 2 * PERSONS * CLASSES
    for key in list(features)[:5]:
        assert np.allclose(both.inputs[both.ids.index(key)], reference_inputs(features[key]), atol=1e-5)
    one = gaits(root, files=dict(OWN, elmd=None), split="all")
    assert torch.equal(one.inputs, both.inputs[[both.ids.index(key) for key in one.ids]])
    assert gaits(root, files=dict(elmd=elmd, **OWN), fold_file=None, split="all").ids == both.ids


def test_unlabelled_source_carries_minus_one_and_no_label_fraction_removes_it(root: Path):
    files = dict(own=dict(features="features.h5", labels=None))
    dataset = gaits(root, files=files, label_fraction=0.1)
    assert set(dataset.labels.tolist()) == {-1}
    assert len(dataset) == 32
    assert dataset.get_cat_ids(0) == []
    assert gaits(root).get_cat_ids(0) == [gaits(root).labels[0]]


def test_another_layout_needs_no_other_code(tmp_path: Path):
    features, labels = toy_gaits(COCO17)
    write_hdf5(tmp_path / "features.h5", features)
    write_hdf5(tmp_path / "labels.h5", labels)
    assert gaits(tmp_path, skeleton="coco17", fold_file=None).inputs.shape == (32, 3, 48, 17)


def test_whole_numbers_stored_as_integers_or_floats_are_labels(root: Path, tmp_path: Path):
    features, labels = toy_gaits()
    write_hdf5(tmp_path / "features.h5", {key: rows.astype(np.float32) for key, rows in features.items()})
    write_hdf5(tmp_path / "labels.h5", {key: np.array([float(label)]) for key, label in labels.items()})
    dataset = gaits(tmp_path, fold_file=None, split="all")
    assert dict(zip(dataset.ids, dataset.labels.tolist(), strict=True)) == labels


# ---- as MMEngine and PyTorch see it -------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
def test_default_collate_makes_batches(build, workers: int):
    dataset = build()
    batches = list(DataLoader(dataset, batch_size=7, num_workers=workers, collate_fn=default_collate))
    assert torch.equal(torch.cat([batch["inputs"] for batch in batches]), dataset.inputs)
    assert torch.equal(torch.cat([batch["label"] for batch in batches]), dataset.labels)
    assert [key for batch in batches for key in batch["id"]] == dataset.ids


def test_pickled_dataset_is_the_same_and_loads_nothing_again(root: Path, tmp_path: Path):
    features, labels = toy_gaits()
    write_hdf5(tmp_path / "features.h5", features)
    write_hdf5(tmp_path / "labels.h5", labels)
    dataset = gaits(tmp_path, fold_file=None)
    for path in tmp_path.iterdir():
        path.unlink()
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy.inputs, dataset.inputs)
    assert copy[5]["id"] == dataset[5]["id"]
    assert copy.metainfo == dataset.metainfo


def test_lazy_dataset_loads_on_first_use(build):
    lazy, eager = build(lazy_init=True), build()
    assert lazy.metainfo == eager.metainfo
    assert torch.equal(lazy[3]["inputs"], eager[3]["inputs"])
    assert len(build(lazy_init=True)) == len(eager)


def test_subset_keeps_lists_and_tensors_together(build):
    dataset = build(split="all")
    count = len(dataset)
    rows = [5, 0, 11]
    for indices, expected in [(3, [0, 1, 2]), (-2, [count - 2, count - 1]), (rows, rows)]:
        subset = dataset.get_subset(indices)
        assert isinstance(subset, SkeletonDataset)
        assert subset.ids == [dataset.ids[row] for row in expected]
        assert torch.equal(subset.inputs, dataset.inputs[expected])
        assert torch.equal(subset.labels, dataset.labels[expected])
        assert len(subset) == len(expected)
    assert len(dataset) == len(dataset.ids) == len(dataset.inputs) == count


def test_mmengine_wrappers_and_runner_loader(root: Path):
    one = dict(type="mmgaitemo.GaitDataset", data_root=str(root), files=OWN, pipeline=NORMALISE)
    loader = Runner.build_dataloader(
        dict(
            batch_size=8,
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=True),
            collate_fn=dict(type="default_collate"),
            dataset=dict(type="ConcatDataset", datasets=[one | dict(split="test"), one]),
        ),
        seed=0,
    )
    assert loader.dataset.metainfo["classes"] == ("happy", "angry", "sad", "neutral")
    seen = Counter(key for batch in loader for key in batch["id"])
    assert seen == Counter(gaits(root, split="all").ids)


def test_mmengine_repeats_and_balances_classes(root: Path):
    dataset = gaits(root)
    repeated = RepeatDataset(dataset, times=3)
    assert len(repeated) == 3 * len(dataset)
    assert repeated[len(dataset) + 4]["id"] == dataset.ids[4]
    subset = dataset.get_subset([i for i in range(len(dataset)) if dataset.labels[i] != 2 or i < 8])
    balanced = ClassBalancedDataset(subset, oversample_thr=0.25)
    before, after = Counter(subset.labels.tolist()), Counter(int(sample["label"]) for sample in balanced)
    assert after[2] > before[2]


# ---- the synthetic walkers ----------------------------------------------------------------------------------------


def test_synthetic_set_has_every_person_in_every_mood_and_takes():
    dataset = synthetic(split="all", takes=2)
    assert len(dataset) == 6 * 4 * 2
    assert len(set(dataset.groups)) == 6
    assert set(Counter(zip(dataset.groups, dataset.labels.tolist(), strict=True)).values()) == {2}
    assert torch.isfinite(dataset.inputs).all()


def test_synthetic_seed_makes_another_cast():
    assert not torch.equal(synthetic(seed=0).inputs, synthetic(seed=1).inputs)


def test_train_and_test_share_one_making(monkeypatch: pytest.MonkeyPatch):
    made = []
    monkeypatch.setattr(
        "mmgaitemo.datasets.synthetic_gait.synthetic_walks",
        lambda persons, takes, seed: made.append(seed) or synthetic_walks(persons, takes, seed),
    )
    for split in ("train", "test", "all"):
        synthetic(seed=77, split=split)
    synthetic(seed=78)
    assert made == [77, 78]


# ---- E-Gait itself ------------------------------------------------------------------------------------------------

EGAIT = Path(__file__).parents[1] / os.environ.get("MMGAITEMO_DATA", "../shared/data") / "egait_own"
with_egait = pytest.mark.skipif(
    not (EGAIT / "features.h5").is_file(), reason=f"no E-Gait files in {EGAIT} (set MMGAITEMO_DATA)"
)


@with_egait
def test_egait_own_part_is_as_documented():
    started = time.perf_counter()
    dataset = gaits(EGAIT, split="all")
    assert time.perf_counter() - started < 2
    assert dataset.inputs.shape == (342, 3, 48, 16)
    assert torch.isfinite(dataset.inputs).all()
    assert dataset.labels.bincount().tolist() == [112, 33, 78, 119]


@with_egait
def test_egait_folds_are_as_documented_and_leak_nobody():
    tests = [gaits(EGAIT, split="test", fold=fold) for fold in range(5)]
    assert [len(test) for test in tests] == [76, 68, 64, 67, 67]
    for fold, test in enumerate(tests):
        train = gaits(EGAIT, split="train", fold=fold)
        assert len(train) == 342 - len(test)
        assert not set(train.groups) & set(test.groups)
        assert len(train.labels.unique()) == 4


@with_egait
def test_egait_leaves_the_pipeline_normalised():
    dataset = gaits(EGAIT, split="all")
    inputs = dataset.inputs
    assert (inputs[:, :, :, 0] == 0).all()  # the root is the origin
    assert torch.allclose(inputs[..., 2].norm(dim=1).mean(1), torch.ones(342), atol=1e-5)  # one trunk long
    hips = (inputs[..., 10] - inputs[..., 13]).mean(dim=2)
    assert (hips[:, 0] < 0).all()
    assert torch.allclose(hips[:, 2], torch.zeros(342), atol=1e-5)
    up = inputs[:, 1].mean(dim=1)
    assert (up[:, 3] > up[:, 0]).all()  # head above root above feet
    assert (up[:, 0] > up[:, 12]).all()
    assert inputs.abs().max() < 10
    with h5py.File(EGAIT / "features.h5") as file:
        for row in (0, 100, 341):
            assert np.allclose(inputs[row], reference_inputs(file[dataset.ids[row]][()]), atol=1e-5)


@with_egait
def test_egait_without_its_fold_file_is_split_by_person():
    pattern = r"^([a-z]{3}_walk|\d{3}_)"  # the two sources with several gaits per person
    folds = [gaits(EGAIT, fold_file=None, person_pattern=pattern, split="test", fold=fold).groups for fold in range(5)]
    assert sum(map(len, folds)) == 342
    assert sum(len(set(groups)) for groups in folds) == len(set().union(*folds))
    assert min(map(len, folds)) > 50

"""Kinematics through a data set: beside the inputs, which stay as they are, in every kind of batch and process."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset
from torch.utils.data import DataLoader, default_collate

from mmgaitemo.datasets import SyntheticGait, gait_collate
from mmgaitemo.datasets.pipelines import Kinematics
from mmgaitemo.datasets.prepared import PreparedWalks
from mmgaitemo.datasets.synthetic_gait import KNOWN
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.engine import ResidentLoader
from mmgaitemo.errors import ConfigError
from mmgaitemo.kinematics import NAMES
from mmgaitemo.kinematics.collect import kinematic_features
from mmgaitemo.skeleton import EGAIT16

STEPS = dict(
    time=dict(type="TileCyclic", length=48),
    root=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    heading=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)
WITHOUT = dict(order=tuple(STEPS), **STEPS)
WITH = dict(order=("kinematics", *STEPS), kinematics=dict(type="Kinematics"), **STEPS)


def walks(pipeline: dict, split: str = "train") -> SyntheticGait:
    return SyntheticGait(num_persons=6, takes=1, num_folds=3, pipeline=pipeline, split=split)


def test_inputs_stay_as_they_are() -> None:
    with_, without = walks(WITH), walks(WITHOUT)
    assert torch.equal(with_.inputs, without.inputs)
    assert with_[3].keys() == without[3].keys() | {"kinematics"}
    assert without[3].keys() == {"inputs", "label", "id"}


def test_they_are_those_of_the_whole_recording() -> None:
    features, labels, ids = kinematic_features(walks(WITH))
    assert (features.dtype, features.shape) == (torch.float32, (len(ids), len(NAMES)))
    walk = next(walk for walk in synthetic_walks(6, 1, seed=0) if walk.id == ids[5])
    positions = walk.positions.astype(np.float64)
    sample = {"id": walk.id, "positions": positions, "skeleton": EGAIT16, **KNOWN}
    expected = Kinematics().transform(sample)["kinematics"]
    np.testing.assert_array_equal(features[5].numpy(), expected.astype(np.float32))
    assert labels[5] == walk.label
    assert len(walk.positions) != 48


def test_every_kind_of_batch_has_them() -> None:
    dataset = walks(WITH)
    features = kinematic_features(dataset)[0]
    batch = gait_collate(dataset.__getitems__([5, 2, 5]))
    assert torch.equal(batch["kinematics"], features[[5, 2, 5]])
    assert torch.equal(default_collate([dataset[5]])["kinematics"], features[[5]])
    assert torch.equal(kinematic_features(ConcatDataset([dataset, dataset]))[0], torch.cat([features, features]))
    resident = ResidentLoader(DataLoader(dataset, batch_size=5, collate_fn=gait_collate), torch.device("cpu"))
    assert torch.equal(torch.cat([part["kinematics"] for part in resident]), features)
    again, _, _ = kinematic_features(pickle.loads(pickle.dumps(dataset)))
    assert torch.equal(again, features)


def test_training_and_test_walks_are_prepared_once_and_apart() -> None:
    train, test = (kinematic_features(walks(WITH, split))[2] for split in ("train", "test"))
    assert set(train).isdisjoint(test)
    everything, _, ids = kinematic_features(walks(WITH, "all"))
    features, _, _ = kinematic_features(walks(WITH, "test"))
    assert torch.equal(features, everything[[ids.index(name) for name in test]])


def test_a_data_set_without_them_is_named() -> None:
    with pytest.raises(ConfigError, match=r"dataset.pipeline.*without kinematics.*type='Kinematics'"):
        kinematic_features(walks(WITHOUT))


def test_kinds_lie_in_files_of_their_own() -> None:
    inputs, kinematics = torch.randn(9, 3, 4, 2), torch.randn(9, 5)
    rows = ({"inputs": a, "kinematics": b} for a, b in zip(inputs, kinematics, strict=True))
    read = PreparedWalks(rows, 9).read([8, 0, 1, 8])
    assert torch.equal(read["inputs"], inputs[[8, 0, 1, 8]])
    assert torch.equal(read["kinematics"], kinematics[[8, 0, 1, 8]])
    assert all(part.is_contiguous() for part in read.values())

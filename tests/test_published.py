"""Publishing: what is in the file, that it classifies as the checkpoint does, and the model that is shipped."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import run_here
from mmengine.config import Config
from published_parts import STATED, tiny_classifier
from runs import ROOT

from mmgaitemo.apis.publish import Statement, publish
from mmgaitemo.apis.published import SHIPPED, PublishedModel, demonstration, load_published
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import CheckpointError
from mmgaitemo.evaluation import extract_features
from mmgaitemo.provenance import read_settings
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.skeleton import get_skeleton

PLAIN = (str, int, float, bool, type(None))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_classifier("finetune_synthgait.py", tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def file(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(checkpoint, tmp_path_factory.mktemp("published"), Statement(**STATED))


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in [key, *leaves(part)]]
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, (list, tuple)) else [value]


def test_file_is_named_by_its_hash_and_holds_tensors_and_plain_values(file: Path, checkpoint: Path) -> None:
    assert file.name == f"tiny-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}.pth"
    content = torch.load(file, weights_only=True)
    assert all(isinstance(leaf, torch.Tensor) or type(leaf) in PLAIN for leaf in leaves(content))
    assert set(content) == {
        *("format", "format_version", "state_dict", "config", "meta", "calibration", "novelty", "neighbours")
    }
    assert not {"views", "encoder", "frozen"} & {leaf for leaf in leaves(content["config"]) if isinstance(leaf, str)}
    assert all(value.dtype in (torch.float32, torch.int64) for value in content["state_dict"].values())


def test_no_path_of_this_machine_leaves_it(file: Path, checkpoint: Path) -> None:
    assert str(checkpoint.parent.parent).encode() not in file.read_bytes()
    assert b"work_dir" not in file.read_bytes()


def test_the_same_checkpoint_gives_the_same_bytes(file: Path, checkpoint: Path, tmp_path: Path) -> None:
    assert publish(checkpoint, tmp_path, Statement(**STATED)).read_bytes() == file.read_bytes()


def test_published_model_scores_held_out_walks_as_the_checkpoint_does(file: Path, checkpoint: Path) -> None:
    trained = torch.load(checkpoint, weights_only=True)
    settings = read_settings(trained["meta"]["cfg"])
    model = MODELS.build(Config(settings).model)
    model.load_state_dict(trained["state_dict"])
    held_out = DATASETS.build(settings["val_dataloader"]["dataset"])
    features, labels, _ = extract_features(model, held_out)
    with torch.no_grad():
        right = model.head(features)

    published = load_published(file)
    prepare = build_pipeline(published.pipeline)
    walks = {walk.id: walk.positions for walk in synthetic_walks(10, 1, seed=0)}
    skeleton = get_skeleton(published.meta["skeleton"])
    inputs = [
        prepare({"id": name, "positions": walks[name].astype(np.float64), "skeleton": skeleton})["inputs"]
        for name in held_out.ids
    ]
    scores = published.model(torch.stack(inputs))
    torch.testing.assert_close(scores, right)
    assert not scores.requires_grad
    assert published.meta["metrics"]["accuracy"] == pytest.approx(float((right.argmax(1) == labels).float().mean()))
    assert published.meta["metrics"]["walks"] == published.calibration["walks"] == len(held_out)


def test_neighbours_are_the_training_walks(file: Path) -> None:
    published = load_published(file)
    every = {walk.id for walk in synthetic_walks(10, 1, seed=0)}
    assert published.neighbours is not None
    ids = set(published.neighbours.ids)
    assert len(ids) == published.meta["trained_on"] == len(published.neighbours.features) == 32
    assert ids < every
    nearest = published.novelty.encoder.distance(published.neighbours.features)
    assert nearest.isfinite().all() and nearest.median() < 2


def test_what_is_said_of_windows_and_data(file: Path) -> None:
    meta = load_published(file).meta
    assert (meta["rate"], meta["frames"], meta["skeleton"]) == (30.0, 48, "egait16")
    assert meta["classes"] == ["happy", "sad", "angry", "neutral"]
    assert meta["publishable"] and not meta["demonstration"] and meta["licence"] == "Apache-2.0"
    assert set(meta["metrics"]["abstained"]) == {"held_out", "time_shuffled", "noise"}


def test_gradients_reach_the_input_but_not_the_weights(file: Path) -> None:
    model = load_published(file).model
    inputs = torch.randn(2, 3, 48, 16, requires_grad=True)
    model(inputs).sum().backward()
    assert inputs.grad is not None and inputs.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_walks_it_was_trained_on_are_no_held_out_walks(checkpoint: Path, tmp_path: Path) -> None:
    trained = torch.load(checkpoint, weights_only=True)
    trained["meta"]["cfg"] = trained["meta"]["cfg"].replace("fold=0", "fold=1")
    torch.save(trained, tmp_path / "other_fold.pth")
    with pytest.raises(CheckpointError, match="trained on walks that it is to be evaluated on"):
        publish(tmp_path / "other_fold.pth", tmp_path, Statement())
    assert [path.name for path in tmp_path.iterdir()] == ["other_fold.pth"]


def test_command_publishes_and_says_what_the_model_is_worth(checkpoint: Path, tmp_path: Path) -> None:
    done = run_here("tools/deploy/publish_model.py", checkpoint, "--out", tmp_path, "--name", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("mine-*.pth")
    assert str(path) in done.stdout and "abstained on: time shuffled" in done.stdout
    assert load_published(path).meta["name"] == "mine"


@pytest.fixture(scope="module")
def shipped() -> PublishedModel:
    return load_published(None)


def test_shipped_model_is_what_its_name_says_and_small() -> None:
    path = demonstration()
    assert path.name == f"demonstration-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    assert path.stat().st_size < 2e6
    assert path.parent == SHIPPED == ROOT / "mmgaitemo" / "models_zoo"


def test_shipped_model_says_that_it_is_a_demonstration(shipped: PublishedModel) -> None:
    assert shipped.meta["demonstration"] and shipped.meta["publishable"]
    assert (shipped.meta["rate"], shipped.meta["frames"]) == (30.0, 48), "24 frames, every other one"
    assert "synthetic walkers" in shipped.meta["note"] and "synthetic walkers" in shipped.meta["data"]


def test_shipped_model_knows_synthetic_walkers_it_has_not_met(shipped: PublishedModel) -> None:
    prepare, skeleton = build_pipeline(shipped.pipeline), get_skeleton(shipped.meta["skeleton"])
    walks = synthetic_walks(15, 1, seed=77)
    positions = [walk.positions.astype(np.float64) for walk in walks]
    inputs = torch.stack(
        [prepare({"id": "walk", "positions": walk, "skeleton": skeleton})["inputs"] for walk in positions]
    )
    right = shipped.model(inputs).argmax(1) == torch.tensor([walk.label for walk in walks])
    assert right.float().mean() > 0.7
    features = shipped.model.extract_feat(inputs)
    known = shipped.novelty.distance(features, inputs) <= shipped.novelty.threshold
    assert known.float().mean() > 0.75
    noise = torch.randn_like(inputs)
    far = shipped.novelty.distance(shipped.model.extract_feat(noise), noise)
    assert (far > shipped.novelty.threshold).all()

"""Export: the tensor steps against the NumPy pipeline, and the graphs against PyTorch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import run_here
from published_parts import STATED, tiny_classifier

from mmgaitemo.apis.export import GaitGraph, read_onnx, read_program, traced, write_onnx, write_program
from mmgaitemo.apis.export_check import PlainModel, batches_of, example_walks, largest_difference
from mmgaitemo.apis.publish import Statement, publish
from mmgaitemo.apis.published import PublishedModel, demonstration, load_published
from mmgaitemo.apis.tensor_steps import tensor_step, tensor_tail
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import EGAIT16, get_skeleton

TOOL = "tools/deploy/export_onnx.py"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> PublishedModel:
    checkpoint = tiny_classifier("finetune_synthgait.py", tmp_path_factory.mktemp("run"))
    return load_published(publish(checkpoint, tmp_path_factory.mktemp("published"), Statement(**STATED)))


@pytest.fixture(scope="module")
def plain(published: PublishedModel) -> PlainModel:
    return PlainModel(published)


@pytest.fixture(scope="module")
def walks(plain: PlainModel) -> list[np.ndarray]:
    return example_walks(plain, None)[:70]


def recorded(layout: str) -> np.ndarray:
    """(60, V, 3): a figure of that layout that moves, far from the origin and turned."""
    skeleton, rng = get_skeleton(layout), np.random.default_rng(5)
    pose = rng.normal(0, 1, (1, skeleton.num_joints, 3))
    swing = rng.normal(0, 0.2, (1, skeleton.num_joints, 3)) * np.sin(np.arange(60) / 5)[:, None, None]
    return (pose + swing + [3, 1, -7]).astype(np.float32)


@pytest.mark.parametrize("layout", ["egait16", "kinect25", "coco17"])
@pytest.mark.parametrize(
    "step",
    [
        dict(type="TileCyclic", length=96, stride=1),
        dict(type="TileCyclic", length=20, stride=3),
        dict(type="Resample", length=17),
        dict(type="Resample", length=200),
        dict(type="CentreRoot"),
        dict(type="BodyScale"),
        dict(type="AlignHeading"),
    ],
    ids=lambda step: f"{step['type']}{step.get('length', '')}",
)
def test_a_tensor_step_does_what_the_step_does(step: dict, layout: str) -> None:
    skeleton, positions = get_skeleton(layout), recorded(layout)
    (transform,) = build_pipeline(dict(order=("one",), one=step)).transforms
    right = transform({"id": "x", "skeleton": skeleton, "positions": positions.astype(np.float64)})["positions"]
    found = tensor_step(transform, skeleton)
    assert found is not None
    both = found(torch.from_numpy(np.stack([positions, positions[::-1].copy()])))
    np.testing.assert_allclose(both[0].numpy(), right, atol=2e-5)


def test_steps_that_look_for_something_and_all_before_them_stay_outside() -> None:
    recipe = dict(
        order=("rate", "up", "root", "cycles", "time", "scale", "pack"),
        rate=dict(type="ResampleRate", rate=30),
        up=dict(type="Upright"),
        root=dict(type="CentreRoot"),
        cycles=dict(type="WholeCycles"),
        time=dict(type="TileCyclic"),
        scale=dict(type="BodyScale"),
        pack=dict(type="PackGait"),
    )
    inside, outside = tensor_tail(build_pipeline(recipe).transforms, EGAIT16)
    assert len(inside) == 3
    assert outside == ["ResampleRate", "Upright", "CentreRoot", "WholeCycles"]
    (travel,) = build_pipeline(dict(order=("h",), h=dict(type="AlignHeading", by="travel"))).transforms
    assert tensor_step(travel, EGAIT16) is None


@pytest.fixture(scope="module")
def program(published: PublishedModel, walks: list[np.ndarray]) -> torch.export.ExportedProgram:
    return traced(GaitGraph(published).eval(), torch.from_numpy(next(batches_of(walks, 2))))


def test_onnx_gives_the_probabilities_of_python(
    published: PublishedModel, plain: PlainModel, walks: list[np.ndarray], program: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    write_onnx(program, GaitGraph(published).facts(), path)
    run = read_onnx(path)
    assert [largest_difference(run, plain, walks, size) < 1e-4 for size in (1, 7, 64)] == [True] * 3
    batch = next(batches_of(walks, 5))
    turned = batch[..., [2, 1, 0]] * np.float32([100, 100, -100]) + np.float32([7, -3, 9])
    np.testing.assert_allclose(run(turned)[0], run(batch)[0], atol=1e-4)
    import onnx

    facts = {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}
    assert facts["mmgaitemo.classes"] == published.meta["classes"]
    assert facts["mmgaitemo.joints"] == list(EGAIT16.joints)
    assert facts["mmgaitemo.threshold"] == pytest.approx(published.novelty.threshold)
    assert facts["mmgaitemo.done_before"] == []


def test_torch_export_gives_the_probabilities_of_python(
    published: PublishedModel, plain: PlainModel, walks: list[np.ndarray], program: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt2"
    write_program(program, GaitGraph(published).facts(), path)
    run = read_program(path)
    assert [largest_difference(run, plain, walks, size) < 1e-4 for size in (1, 7, 64)] == [True] * 3


def test_python_side_is_calibrated_and_far_from_noise(published: PublishedModel, plain: PlainModel) -> None:
    walk = synthetic_walks(1, 1, seed=2)[0].positions
    probabilities, distance = plain(np.stack([walk]))
    inputs = torch.stack([build_pipeline(published.pipeline)(plain._results(walk.astype(np.float64)))["inputs"]])
    scores = published.model(inputs) / published.calibration["temperature"]
    torch.testing.assert_close(torch.from_numpy(probabilities), scores.softmax(1))
    noise = np.random.default_rng(0).normal(size=(1, *walk.shape)).astype(np.float32)
    assert plain(noise)[1] > published.novelty.threshold > 0.2 * distance


def test_differences_are_found_and_nan_is_one(plain: PlainModel, walks: list[np.ndarray]) -> None:
    def other(positions: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray]:
        probabilities, distance = plain(positions)
        probabilities[-1, 0] += shift
        return probabilities, distance

    assert largest_difference(lambda x: other(x, 2e-3), plain, walks[:5], 3) == pytest.approx(2e-3, rel=0.01)
    assert largest_difference(lambda x: other(x, np.nan), plain, walks[:5], 3) == np.inf


def test_graph_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmgaitemo.apis.export.traced", lambda graph, example: None)
    monkeypatch.setattr("mmgaitemo.apis.export.write_program", lambda program, facts, path: path.touch())
    wrong = (np.full((1, 4), 0.25, np.float32), np.zeros(1, np.float32))
    monkeypatch.setattr("mmgaitemo.apis.export.read_program", lambda path: lambda positions: wrong)
    done = run_here(TOOL, demonstration(), "--out", tmp_path / "model.pt2", "--format", "pt2", cwd=tmp_path)
    assert done.returncode == 1
    assert "differs from PyTorch by more than 0.0001" in done.stderr
    assert not list(tmp_path.iterdir())


def test_command_refuses_a_name_of_another_format(tmp_path: Path) -> None:
    done = run_here(TOOL, "--out", "model.pt", cwd=tmp_path)
    assert done.returncode == 1 and "must end in .onnx" in done.stderr


def test_walks_to_check_on_are_in_the_models_layout(published: PublishedModel, tmp_path: Path) -> None:
    other = PlainModel(published)
    other.skeleton = get_skeleton("coco17")
    with pytest.raises(ConfigError, match="name an archive"):
        example_walks(other, None)

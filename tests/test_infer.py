"""What the inferencer makes of windows: probabilities, abstention, features, batches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from inference_parts import published, small_model, walk, write_model

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.inputs import Take
from mmgaitemo.apis.published import PublishedModel
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import EGAIT16

SAD, ANGRY = (np.tile(each.positions, (15, 1, 1)) for each in synthetic_walks(1, 1, seed=0)[1:3])
CHANGES = np.concatenate([SAD, ANGRY[: len(ANGRY) // 2]])
TAKE = Take("walk", "array", CHANGES, EGAIT16, 30.0, "y")


def predict(model: PublishedModel, *walks: np.ndarray, batch_size: int = 64, explain: bool = False) -> list[Any]:
    return GaitEmotionInferencer(model, batch_size=batch_size)(list(walks), rate=30, explain=explain)


def test_probabilities_are_the_calibrated_geometric_mean_of_the_windows() -> None:
    model = published()
    (prediction,) = predict(model, CHANGES)
    inputs = GaitEmotionInferencer(model).prepare(TAKE).inputs
    with torch.no_grad():
        scores = small_model()(inputs).double().numpy() / 1.5
    assert np.ptp(scores, axis=0).max() > 0.5  # windows differ
    each = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    mean = np.exp(np.log(each).mean(axis=0))
    np.testing.assert_allclose([window.probabilities for window in prediction.windows], each, atol=1e-6)
    np.testing.assert_allclose(prediction.probabilities, mean / mean.sum(), atol=1e-6)
    assert prediction.label == prediction.classes[mean.argmax()] == prediction.likeliest
    assert prediction.confidence == pytest.approx(mean.max() / mean.sum(), abs=1e-6)


def test_features_are_those_of_the_encoder() -> None:
    model = published()
    (prediction,) = predict(model, CHANGES)
    inputs = GaitEmotionInferencer(model).prepare(TAKE).inputs
    with torch.no_grad():
        features = small_model().extract_feat(inputs).numpy()
    np.testing.assert_allclose([window.features for window in prediction.windows], features, atol=1e-5)
    np.testing.assert_allclose(prediction.features, features.mean(axis=0), atol=1e-5)
    distances = model.novelty.distance(torch.from_numpy(features), inputs).numpy()
    np.testing.assert_allclose([window.distance for window in prediction.windows], distances, rtol=1e-5)
    assert prediction.distance == pytest.approx(float(np.median(distances)), rel=1e-5)


def test_it_abstains_beyond_the_threshold_and_only_there() -> None:
    model = published()
    (sure,) = predict(model, walk())
    assert not sure.abstained and sure.label is not None
    for threshold, abstains in ((sure.distance * 1.01, False), (sure.distance * 0.99, True)):
        (prediction,) = predict(replace(model, novelty=replace(model.novelty, threshold=threshold)), walk())
        assert prediction.abstained == abstains and (prediction.label is None) == abstains
        assert prediction.likeliest == sure.label
        np.testing.assert_array_equal(prediction.probabilities, sure.probabilities)


def test_batches_change_nothing_but_the_number_of_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = [walk(seconds, seed=seed) for seed, seconds in enumerate((3, 8, 1, 5, 20))]
    model = published()
    sizes: list[int] = []
    forward = model.model.extract_feat

    def counted(inputs: torch.Tensor) -> torch.Tensor:
        sizes.append(len(inputs))
        return forward(inputs)

    monkeypatch.setattr(model.model, "extract_feat", counted)
    expected = predict(model, *walks)
    assert len(sizes) == 1 and sizes[0] == sum(len(prediction.windows) for prediction in expected)
    for batch_size in (1, 3, 10):
        sizes.clear()
        again = predict(model, *walks, batch_size=batch_size)
        assert max(sizes) <= batch_size
        for one, other in zip(expected, again, strict=True):
            assert one.id == other.id and len(one.windows) == len(other.windows)
            np.testing.assert_allclose(other.probabilities, one.probabilities, atol=1e-6)


def test_a_long_recording_becomes_a_timeline() -> None:
    change = len(SAD) / 30
    (prediction,) = predict(published(), np.concatenate([SAD, ANGRY]))
    early = [window.probabilities for window in prediction.windows if window.stop_s <= change]
    late = [window.probabilities for window in prediction.windows if window.start_s >= change]
    (alone,), (alone_later,) = predict(published(), SAD), predict(published(), ANGRY)
    assert len(early) > 10 and len(late) > 10
    np.testing.assert_allclose(np.mean(early, axis=0), alone.probabilities, atol=0.02)
    np.testing.assert_allclose(np.mean(late, axis=0), alone_later.probabilities, atol=0.02)
    assert np.abs(alone.probabilities - alone_later.probabilities).max() > 0.1


def test_a_prediction_is_json() -> None:
    (prediction,) = predict(published(), walk(), explain=True)
    content = json.loads(json.dumps(prediction.as_dict(), allow_nan=False))
    assert content["label"] == prediction.label and content["abstained"] is False
    assert list(content["joints"]) == list(prediction.skeleton.joints)
    assert len(content["moments"]) == content["frames"] == len(prediction.positions)
    assert content["moments"][-1] is None  # behind the last whole cycle
    assert len(content["windows"]) == len(prediction.windows)
    (quick,) = predict(published(), walk())
    assert quick.as_dict()["joints"] is None and quick.as_dict()["moments"] is None


def test_a_model_may_come_as_a_file(tmp_path: Any) -> None:
    path = write_model(tmp_path / "small.pth")
    (expected,) = predict(published(), walk())
    (read,) = GaitEmotionInferencer(path)(walk(), rate=30, explain=False)
    np.testing.assert_allclose(read.probabilities, expected.probabilities, atol=1e-7)
    with pytest.raises(DataError, match=r"nowhere\.pth"):
        GaitEmotionInferencer(tmp_path / "nowhere.pth")


@pytest.mark.parametrize("arguments", [{"device": "abacus"}, {"device": "xpu"}, {"batch_size": 0}])
def test_impossible_settings(arguments: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        GaitEmotionInferencer(published(), **arguments)

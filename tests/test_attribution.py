"""Attribution finds what a classifier was made to look at, and adds up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from inference_parts import normal_pipeline, published, small_model, walk
from torch import Tensor

from mmgaitemo.apis.attribution import attribute, moments_of, ordinary_walks
from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.inputs import Take
from mmgaitemo.apis.windows import Preparation
from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.models import GaitClassifier
from mmgaitemo.models.backbones import SkeletonBackbone
from mmgaitemo.registry import BACKBONES, MODELS
from mmgaitemo.skeleton import EGAIT16, KINECT25

AXIS, MOMENT, JOINT = 1, 10, EGAIT16.joints.index("left_hand")


@BACKBONES.register_module(force=True)
class LooksAtOnePlace(SkeletonBackbone):
    """Sees where one joint is at one moment, and nothing else."""

    out_channels = 1

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        return {"all": inputs}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        return maps["all"][:, AXIS, MOMENT, JOINT, None].tanh()


def planted(frozen: bool = False) -> GaitClassifier:
    """It says class 1 the more surely, the higher that joint is at that moment."""
    model = MODELS.build(
        {
            "type": "GaitClassifier",
            "backbone": {"type": "LooksAtOnePlace"},
            "head": {"type": "LinearHead", "num_classes": 4, "norm": False},
            "frozen": frozen,
            "encoder": "untrained",
            "data_preprocessor": {"type": "GaitDataPreprocessor", "skeleton": "egait16"},
        }
    )
    with torch.no_grad():
        model.head.linear.weight.copy_(torch.tensor([[0.0], [3.0], [0.0], [0.0]]))
        model.head.linear.bias.zero_()
    return model.eval()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("pose", [True, False])
def test_a_planted_cue_gets_everything(pose: bool, frozen: bool) -> None:
    inputs, references = torch.randn(5, 3, 48, 16), None if pose else torch.randn(5, 2, 3, 48, 16)
    shares = attribute(planted(frozen), inputs, references, 1, 1.0, 64)
    place = np.zeros((48, 16), dtype=bool)
    place[MOMENT, JOINT] = True
    assert (np.abs(shares[:, place]) > 1e-3).all() and (shares[:, ~place] == 0).all()
    height = inputs[:, AXIS, :, JOINT]
    if pose:  # for the class where it is higher than it mostly is in this window, else against it
        np.testing.assert_array_equal(shares[:, MOMENT, JOINT] > 0, (height[:, MOMENT] > height.mean(1)).numpy())


@pytest.mark.parametrize("stride", [1, 2])
def test_a_planted_cue_is_found_in_a_recording(stride: int) -> None:
    time = {"type": "TileCyclic", "length": 48 // stride, "stride": stride}
    inferencer = GaitEmotionInferencer(published(planted(), {**normal_pipeline(), "time": time}))
    (prediction,) = inferencer(walk(1.2), rate=30)  # a single cycle: one window
    assert len(prediction.windows) == 1
    assert EGAIT16.joints[int(np.abs(prediction.joints).argmax())] == "left_hand"
    assert int(np.nanargmax(np.abs(prediction.moments))) == MOMENT * stride
    (long,) = inferencer(walk(6), rate=30)
    peaks = np.flatnonzero(np.abs(np.nan_to_num(long.moments)) > 1e-4)
    starts = [round(window.start_s * 30) for window in long.windows]
    assert len(starts) >= 4 and {start + MOMENT * stride for start in starts} <= {*peaks.tolist()}
    assert EGAIT16.joints[int(np.abs(long.joints).argmax())] == "left_hand"


def test_shares_add_up_to_what_they_explain() -> None:
    """To the difference between the walk and, on average, the ordinary walks in step with it."""
    model, prepare = small_model(), GaitEmotionInferencer(published()).prepare
    references = ordinary_walks(prepare)
    assert references is not None and references.shape == (16, 8, 3, 48, 16)
    for seed in range(3):
        inputs = prepare(Take("walk", "array", walk(3, seed=seed), EGAIT16, 30.0, "y")).inputs[:1]
        apart = ((references - inputs[0]) ** 2).flatten(2).sum(2)
        baselines = torch.stack([each[number] for each, number in zip(references, apart.argmin(1), strict=True)])
        for label in range(4):
            with torch.no_grad():
                gain, there = ((model(x).double() / 1.5).log_softmax(1)[:, label].mean() for x in (inputs, baselines))
            shares = attribute(model, inputs, references, label, 1.5, 64)
            assert shares.shape == (1, 48, 16)
            assert shares.sum() == pytest.approx(float(gain - there), rel=0.05, abs=0.05)


def test_an_ordinary_walk_is_compared_in_step() -> None:
    references = ordinary_walks(GaitEmotionInferencer(published()).prepare)
    assert references is not None
    for phase in range(8):
        shares = attribute(small_model(), references[:1, phase], references[:1], 0, 1.0, 64)
        np.testing.assert_allclose(shares, 0, atol=1e-6)


def test_small_movements_speak_for_sadness() -> None:
    """Against a body that stands still all that moves would speak against it, however sure the model is."""
    sad = [np.tile(each.positions, (3, 1, 1)) for each in synthetic_walks(6, 1, seed=5) if MOODS[each.label] == "sad"]
    predictions = [each for each in GaitEmotionInferencer()(sad, rate=30) if each.likeliest == "sad"]
    assert len(predictions) >= 4
    assert all(each.joints is not None and each.joints.sum() > 0.5 for each in predictions)


def test_ordinary_walks_of_other_pipelines_and_layouts() -> None:
    assert ordinary_walks(Preparation(normal_pipeline(), KINECT25, 30.0, 48)) is None  # it has joints they lack
    travels = {**normal_pipeline(), "order": ("heading", "time", "root", "scale", "pack")}
    travels["heading"] = {"type": "AlignHeading", "by": "travel"}
    made = ordinary_walks(Preparation(travels, EGAIT16, 60.0, 96))
    assert made is not None and made.isfinite().all()


def test_batches_do_not_matter() -> None:
    inputs, references = torch.randn(3, 3, 48, 16), torch.randn(4, 2, 3, 48, 16)
    whole = attribute(small_model(), inputs, references, 2, 1.0, 1000)
    for batch_size in (5, 64):
        np.testing.assert_allclose(attribute(small_model(), inputs, references, 2, 1.0, batch_size), whole, atol=1e-5)


def test_moments_are_means_over_what_the_network_was_shown() -> None:
    shares = np.zeros((2, 6, 3))
    shares[0, :, 0] = [1, 2, 3, 4, 5, 6]  # frames 10, 11, 12 shown twice
    shares[1, :, 1] = [1, 1, 1, 2, 2, 2]  # frames 20, 22, ..., 30
    clocks = np.array([[10, 11, 12, 10, 11, 12], [20, 22, 24, 26, 28, 30]], dtype=float)
    moments = moments_of(shares, clocks, [slice(10, 13), slice(20, 31)], 40)
    np.testing.assert_allclose(moments[10:13], [2.5, 3.5, 4.5])
    np.testing.assert_allclose(moments[20:31], [1, 1, 1, 1, 1, 1.5, 2, 2, 2, 2, 2])
    assert np.isnan(np.delete(moments, [*range(10, 13), *range(20, 31)])).all()
    two = np.stack([np.full((4, 1), 1.0), np.full((4, 1), 3.0)])
    over = moments_of(two, np.array([[0.0, 1, 2, 3], [2, 3, 4, 5]]), [slice(0, 4), slice(2, 6)], 6)
    np.testing.assert_allclose(over, [1, 1, 2, 2, 3, 3])

"""The references of the benchmark compute what ours does, in another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from runs import ROOT, TINY_ENCODER
from torch import Tensor

from mmgaitemo.augmentation import SSA, RandomSpatiotemporalMask, TemporalCrop, UpperBodyJitter
from mmgaitemo.benchmark import reference_views
from mmgaitemo.benchmark.layouts import random_walks
from mmgaitemo.benchmark.our_step import OurStep
from mmgaitemo.benchmark.reference_layers import reference_encoder
from mmgaitemo.benchmark.reference_step import ReferenceStep
from mmgaitemo.benchmark.reference_views import AimCLRViews, ReferenceViews, SSALViews, reference_loader
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import BACKBONES
from mmgaitemo.skeleton import FIVE_PARTS, get_skeleton

WALKS = 2000


def graph(**options: Any) -> dict[str, Any]:
    return dict(type="STGCN", skeleton="egait16", channels=(8, 8, 16), strides=(1, 2, 1), **options)


def image(**options: Any) -> dict[str, Any]:
    return dict(type="AFFNet", skeleton="egait16", stem=8, channels=(8, 16), strides=(2, 1, 2), **options)


ENCODERS = {
    "graph": graph(kernel_size=5, readout=dict(deviation=True, parts=True)),
    "wide": graph() | dict(channels=(32, 32, 8), strides=(1, 1, 1)),
    "image": image(groups=4, expansion=3),
    "both": dict(type="CFFN", graph=graph(), image=image(readout=dict(deviation=True)), out_channels=12),
    "concatenated": dict(type="CFFN", graph=graph(), image=image(), out_channels=None),
    "kinect25": graph(readout=dict(parts=True)) | dict(skeleton="kinect25"),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_reference_encoder_is_our_encoder(name: str) -> None:
    config = ENCODERS[name]
    ours, reference = BACKBONES.build(config), reference_encoder(config)
    for parameter in ours.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    reference.load_state_dict(ours.state_dict(), strict=True)
    assert reference.out_channels == ours.out_channels
    inputs = torch.randn(6, 3, 24, 25 if name == "kinect25" else 16)
    for training in (True, False):
        found, wanted = (_pass(encoder.train(training), inputs) for encoder in (ours, reference))
        largest = max(gradient.abs().max() for gradient in wanted[1:])
        torch.testing.assert_close(found[0], wanted[0], rtol=1e-5, atol=1e-5)
        for one, other in zip(found[1:], wanted[1:], strict=True):
            assert (one - other).abs().max() < 5e-5 * largest  # some are zero but for rounding: biases before a norm
    torch.testing.assert_close(dict(ours.state_dict()), dict(reference.state_dict()), rtol=1e-4, atol=1e-5)


def _pass(encoder: torch.nn.Module, inputs: Tensor) -> list[Tensor]:
    """The vectors, and the gradient of a random function of them with regard to each parameter."""
    vectors = encoder(inputs)
    weight = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(0))
    return [vectors, *torch.autograd.grad((vectors * weight).sum(), list(encoder.parameters()))]


def test_dropout_of_the_reference_acts_while_training_only() -> None:
    encoder = reference_encoder(graph(dropout=0.5))
    inputs = torch.randn(4, 3, 24, 16)
    assert not torch.equal(encoder(inputs), encoder(inputs))
    encoder.eval()
    assert torch.equal(encoder(inputs), encoder(inputs))


def test_an_encoder_without_a_reference_is_refused() -> None:
    with pytest.raises(ConfigError, match="no reference"):
        reference_encoder({"type": "Transformer"})


def test_reference_step_has_the_loss_of_ours() -> None:
    cfg = Config.fromfile(ROOT / "configs" / "ssal_synthgait.py")
    cfg.merge_from_dict(TINY_ENCODER)
    dataset = random_walks(cfg, 8)
    ours, reference = OurStep(cfg, dataset, 8, "cpu"), ReferenceStep(cfg, dataset.inputs, 8, 0, "cpu")
    for target, source in (
        ("backbone", "backbone"),
        ("head", "head"),
        ("key_backbone", "backbone"),
        ("key_head", "head"),
    ):
        getattr(reference, target).load_state_dict(getattr(ours.model, source).state_dict())
    reference.queue.copy_(ours.model.queue.keys.T)
    views = dict(zip(("key", "query", "strong"), torch.randn(3, 8, 3, 48, 16), strict=True))
    losses = ours.model.loss(views, dataset.ids)
    reference._batches = iter([([view[..., None].double() for view in views.values()], torch.arange(8))])
    before = [parameter.detach().clone() for parameter in reference.backbone.parameters()]
    queue = reference.queue.clone()
    assert reference() == pytest.approx(float(losses["loss_info"] + losses["loss_divergence"]), rel=1e-5)
    assert any(not torch.equal(old, new) for old, new in zip(before, reference.backbone.parameters(), strict=True))
    changed = (queue != reference.queue).any(0)
    assert changed[:8].all() and not changed[8:].any()  # eight keys came into the queue


def test_crop_gives_the_windows_of_ours() -> None:
    walk = torch.arange(48.0)[None, :, None].expand(3, 48, 16).contiguous()
    ours = TemporalCrop(padding_ratio=6).transform(
        walk.expand(400, 3, 48, 16), get_skeleton("egait16"), torch.Generator().manual_seed(0)
    )
    rng = np.random.default_rng(0)
    windows = [reference_views.temporal_crop(walk.numpy()[..., None], 6, rng)[0, :, 0, 0] for _ in range(400)]
    assert {tuple(window) for window in windows} == {tuple(view[0, :, 0].tolist()) for view in ours}


def test_shear_is_one_matrix_for_the_whole_walk() -> None:
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(3, 48, 16, 1))
    for _ in range(20):
        sheared = reference_views.shear(walk, 0.3, rng)
        matrix, residual, *_ = np.linalg.lstsq(walk.reshape(3, -1).T, sheared.reshape(3, -1).T, rcond=None)
        assert residual.max() < 1e-12 and np.allclose(matrix.diagonal(), 1)
        off = matrix[~np.eye(3, dtype=bool)]
        assert 0 < np.abs(off).max() <= 0.3 and len(set(off.round(9))) == 6


@pytest.mark.parametrize("skeleton", ["egait16", "kinect25"])
def test_strong_view_has_the_distribution_of_ours(skeleton: str) -> None:
    layout = get_skeleton(skeleton)
    walk = torch.randn(3, 48, layout.num_joints).abs() + 1  # without a zero
    rng = np.random.default_rng(0)
    drawn = [reference_views.selective_strong(walk.numpy()[..., None], layout, rng)[..., 0] for _ in range(WALKS)]
    reference = torch.from_numpy(np.stack(drawn)).float()
    ours = SSA(UpperBodyJitter(), RandomSpatiotemporalMask()).transform(
        walk.expand(WALKS, -1, -1, -1), layout, torch.Generator().manual_seed(0)
    )
    mirrored = [_facts(views, walk, layout.upper_limbs, layout.parts) for views in (ours, reference)]
    for fact in mirrored[0]:
        one, other = (facts[fact] for facts in mirrored)
        error = (one.var() / WALKS + other.var() / WALKS).sqrt()
        assert (one.mean() - other.mean()).abs() <= 4 * error, fact
        if fact != "limbs":
            assert one.min() == other.min() and one.max() == other.max(), fact


def _facts(views: Tensor, walk: Tensor, limbs: tuple[int, ...], parts: Any) -> dict[str, Tensor]:
    """Numbers (N,) that say what was done to each walk."""
    gone = (views == 0).all(1)  # (N, T, V)
    frames, joints = gone.all(2), gone.all(1)
    shown = ~gone
    others = [joint for joint in range(walk.shape[2]) if joint not in limbs]
    kept = (views == walk).all(1) | gone
    assert kept[:, :, others].all()  # only joints of the upper limbs are moved
    by_part = torch.stack([joints[:, list(parts[name])].all(1) for name in FIVE_PARTS], 1)
    assert (by_part.sum(1) == 0).logical_or(joints.sum(1) > 0).all()
    moved = ~kept[:, :, list(limbs)] & shown[:, :, list(limbs)]
    return {
        "frames": frames.sum(1).float(),
        "parts": by_part.sum(1).float(),
        "jittered": (~kept).flatten(1).any(1).float(),
        "limbs": (views[..., list(limbs)].square().sum(1) * moved).mean((1, 2)),
    }


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_gives_views_of_the_walks_it_names(workers: int) -> None:
    layout = get_skeleton("egait16")
    walks = np.random.default_rng(0).normal(size=(10, 3, 24, 16)).astype(np.float32)
    walks[:, :, :, 0] = np.arange(10)[:, None, None]  # crop, rotation and jitter leave something to tell walks by
    for views in (SSALViews(layout, amplitude=0), AimCLRViews(layout)):
        loader = reference_loader(ReferenceViews(walks, views), batch=4, batches=3, workers=workers, device="cpu")
        batches = list(loader)
        assert len(batches) == 3
        for (key, query, strong), index in batches:
            assert key.shape == query.shape == strong.shape == (4, 3, 24, 16, 1)
            assert not torch.equal(query, key) and not torch.equal(strong, key)
            assert all(view.isfinite().all() for view in (key, query, strong))
            if not views.amplitude:
                assert torch.equal(key[:, 0, 0, 0, 0], index.double())
    if workers:
        first = [batch[0][0] for batch in batches]
        assert not torch.equal(first[0], first[1])  # workers do not draw the same numbers

"""Switches that bring back what looks like mistakes in the public codes; each is off unless a config asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from runs import ROOT
from torch import Tensor

from mmgaitemo.augmentation import GaussianBlur, MirrorFlip, RandomRotate
from mmgaitemo.config import load_config
from mmgaitemo.models import KeyQueue, NearestNeighbourMining
from mmgaitemo.registry import MODELS
from mmgaitemo.skeleton import get_skeleton

SKELETON = get_skeleton("egait16")
WALKS = torch.randn(40, 3, 20, 16, generator=torch.Generator().manual_seed(0))


def view(transform: Any) -> Tensor:
    return transform(WALKS, SKELETON, torch.Generator().manual_seed(1))


def test_flip_of_indices_negates_nothing() -> None:
    assert torch.equal(view(MirrorFlip(indices_only=True, prob=1.0)), WALKS[..., list(SKELETON.mirror)])


@pytest.mark.parametrize("one_way", [True, False])
def test_rotation_in_one_sense(one_way: bool) -> None:
    points = WALKS.permute(0, 2, 3, 1).flatten(1, 2)
    turned = view(RandomRotate(main_angle=30, other_angle=0, one_way=one_way)).permute(0, 2, 3, 1).flatten(1, 2)
    matrix = torch.linalg.lstsq(points, turned).solution.mT  # p -> R p
    sines = torch.stack([matrix[:, 2, 1], matrix[:, 0, 2], matrix[:, 1, 0]], dim=1)  # about x, y, z
    assert sines.min() > -0.5001 and sines.min() < -0.4
    assert (sines.max() < 1e-5) == one_way
    assert torch.allclose(matrix.det(), torch.ones(len(matrix)), atol=1e-4)


def test_blur_with_weights_that_do_not_sum_to_one_and_zeros_beyond_the_ends() -> None:
    blurred = view(GaussianBlur(kernel=15, sigma=(1.5, 1.5), normalised=False, prob=1.0))
    weights = np.exp(-(np.arange(-7, 8) ** 2) / (2 * 1.5**2))
    expected = np.apply_along_axis(lambda row: np.convolve(row, weights, mode="same"), 2, WALKS.double().numpy())
    np.testing.assert_allclose(blurred, expected, atol=1e-4)
    assert weights.sum() > 3


def test_queue_may_begin_with_random_keys_that_are_negatives_of_all() -> None:
    queue = KeyQueue(5, dim=3, random_start=True)
    np.testing.assert_allclose(queue.keys.norm(dim=1), np.ones(5), rtol=1e-6)
    assert queue.filled == 5 and queue.negatives(torch.tensor([7, 8])).all()
    queue.stage(torch.eye(3), torch.tensor([7, 8, 9]), step=0)
    queue.commit()
    assert torch.equal(queue.keys[:3], torch.eye(3))
    assert queue.negatives(torch.tensor([7])).tolist() == [[False, True, True, True, True]]


@pytest.mark.parametrize("copied", [True, False])
def test_weights_of_the_public_code_and_keys_that_are_no_copy(copied: bool) -> None:
    cfg = load_config(ROOT / "configs/baselines/aimclr_published.py", {"model.copy_to_keys": copied}).model
    model = MODELS.build(cfg).requires_grad_(False)
    model.init_weights()
    for backbone in (model.backbone, model.key_backbone):
        drawn = torch.cat([p.flatten() for name, p in backbone.named_parameters() if name.endswith("conv.weight")])
        assert drawn.std() == pytest.approx(0.02, rel=0.05) and abs(drawn.mean()) < 1e-3
        norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        scales = torch.cat([norm.weight for norm in norms])
        assert float(scales.mean()) == pytest.approx(1, abs=0.01) and float(scales.std()) == pytest.approx(
            0.02, rel=0.2
        )
        assert all((norm.bias == 0).all() for norm in norms)
    pairs = list(zip(model.backbone.named_parameters(), model.key_backbone.parameters(), strict=True))
    assert all(torch.equal(q, k) for (_, q), k in pairs) == copied
    assert copied or not any(torch.equal(q, k) for (name, q), k in pairs if name.endswith("conv.weight"))


def test_mining_takes_no_key_that_is_no_negative() -> None:
    """A queue with fewer negatives than top_k, or with none: what is hidden is never a positive."""
    cfg = load_config(ROOT / "configs/ssal_synthgait.py").model
    cfg.update(mining=dict(type="NearestNeighbourMining", begin=0, top_k=3))
    cfg.queue.size = 6
    model = MODELS.build(cfg)
    assert isinstance(model.mining, NearestNeighbourMining)
    views = {name: torch.randn(4, 3, 48, 16) for name in ("key", "query", "strong")}
    for _ in range(2):
        losses = model(views, ids=["a", "b", "c", "d"], mode="loss")
        assert float(losses["loss_info"]) < 100
        model.queue.commit()
        with torch.no_grad():
            next(model.head.parameters()).add_(0.0)  # as an optimiser step


def test_mining_is_stretched_with_the_run() -> None:
    path = ROOT / "configs/baselines/aimclr_cffn_synthgait.py"
    assert load_config(path).model.mining.begin == 10
    assert load_config(path, {"train_cfg.max_epochs": 6}).model.mining.begin == 3
    assert load_config(path, {"train_cfg.max_epochs": 6, "param_scheduler": []}).model.mining.begin == 3
    assert load_config(path, {"train_cfg.max_epochs": 6, "model.mining.begin": 1}).model.mining.begin == 1

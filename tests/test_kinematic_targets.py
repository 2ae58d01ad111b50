"""Kinematics as teachers: targets, the two losses and the SSAL step against NumPy versions of their equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import plain_encoder  # noqa: F401  registers PlainEncoder
import pytest
import torch
from test_contrast import GENERAL, batch, log_softmax, tiny_ssal

from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.kinematics import MIRROR, MIRROR_SIGN, NAMES
from mmgaitemo.models import SSAL, InfoNCELoss, NearestNeighbourMining
from mmgaitemo.models.losses import DistributionalDivergenceLoss, KinematicSoftTargets, KinematicTargetLoss
from mmgaitemo.models.modules import KinematicQueue
from mmgaitemo.models.modules.kinematic_targets import KinematicTargets, directions

D = len(NAMES)
SOFT = dict(queue=dict(type="KinematicQueue", size=13, dim=8), soft_targets=dict(type="KinematicSoftTargets"))
AUXILIARY = dict(loss_kinematics=dict(type="KinematicTargetLoss", weight=3.0))
ONLY_GENERAL = dict(
    loss_divergence=None,
    drop=None,
    data_preprocessor=dict(
        type="GaitDataPreprocessor", skeleton="egait16", views=dict(type="ContrastiveViews", general=GENERAL)
    ),
)


def walks(n: int, seed: int = 0) -> torch.Tensor:
    """(n, D) made-up kinematics: features of all sizes, far from zero."""
    rng = np.random.default_rng(seed)
    return torch.tensor(
        rng.normal(size=(n, D)) * 10.0 ** rng.integers(-2, 3, D) + rng.normal(size=D), dtype=torch.float32
    )


def fitted(**changes: Any) -> SSAL:
    model = tiny_ssal(backbone=dict(type="PlainEncoder"), **changes)
    model.init_weights()
    model.kinematics.fit(walks(50, seed=9))
    return model


def step(model: SSAL, kinematics: torch.Tensor | None, first: int = 0) -> dict[str, torch.Tensor]:
    model.data_preprocessor.seed(first)
    views = model.data_preprocessor(batch(6, first), training=True)
    return model(views["inputs"], ids=views["ids"], kinematics=kinematics, mode="loss")


# Targets


def test_targets_are_standardised_by_median_and_quartiles_and_clipped() -> None:
    targets, training = KinematicTargets(), walks(40)
    training[:, NAMES.index("cadence")] = 2.0  # a feature that does not vary
    targets.fit(training)
    low, middle, high = np.percentile(targets.without_side(training).double().numpy(), [25, 50, 75], axis=0)
    queries = walks(7, seed=1)
    queries[0, 0] = 1e6
    spread = np.where(high > low, (high - low) / 1.349, 1)
    expected = np.clip((targets.without_side(queries).double().numpy() - middle) / spread, -5, 5)
    np.testing.assert_allclose(targets(queries).numpy(), expected, rtol=1e-3, atol=1e-3)
    assert targets(queries)[0, 0] == 5


def test_a_mirrored_walk_has_the_same_targets_and_nothing_else_is_lost() -> None:
    targets, training = KinematicTargets(), walks(40)
    targets.fit(training)
    mirrored = torch.from_numpy(MIRROR_SIGN).float() * training[:, MIRROR]
    torch.testing.assert_close(targets(mirrored), targets(training), rtol=1e-5, atol=1e-5)
    even = targets.without_side(training)
    for feature, (name, sign, other) in enumerate(zip(NAMES, MIRROR_SIGN, MIRROR, strict=True)):
        k, partner = training[:, feature], training[:, other]
        if other == feature:
            expected = k if sign > 0 else k.abs()
        else:
            expected = (k + partner) / 2 if name.startswith("left_") else (k - partner).abs() / 2
        torch.testing.assert_close(even[:, feature], expected, msg=name)


def test_targets_before_their_statistics_are_refused_by_name() -> None:
    with pytest.raises(TrainingError, match=r"default_hooks.*statistics.*KinematicsHook"):
        KinematicTargets()(walks(2))
    with pytest.raises(ConfigError, match=r"pipeline.kinematics.*243 numbers.*\(2, 7\)"):
        KinematicTargets().fit(torch.zeros(2, 7))


# Losses


@pytest.mark.parametrize(("views", "chosen"), [("strong", [1]), ("all", [0, 1, 2])])
def test_target_loss_is_the_mean_squared_error_of_the_views_chosen(views: str, chosen: list[int]) -> None:
    loss = KinematicTargetLoss(in_channels=4, weight=3.0, views=views)
    vectors, targets = [torch.randn(6, 4) for _ in range(3)], torch.randn(6, D)
    weight, bias = (p.detach().double().numpy() for p in loss.head.linear.parameters())
    errors = []
    for view in chosen:
        h = vectors[view].double().numpy()
        h = (h - h.mean(0)) / np.sqrt(h.var(0) + 1e-5)
        errors.append(((h @ weight.T + bias - targets.numpy()) ** 2).mean())
    assert float(loss(vectors, targets).detach()) == pytest.approx(3 * np.mean(errors), rel=1e-4)


@pytest.mark.parametrize("mined", [False, True])
def test_soft_targets_equal_their_equation(mined: bool) -> None:
    rng = np.random.default_rng(0)
    t, stored, logits = (rng.normal(size=size).astype(np.float32) for size in ((5, 7), (9, 7), (5, 10)))
    negative = rng.random((5, 9)) < 0.7
    positives = np.zeros((5, 10), bool)
    positives[:, 0] = True
    positives[2, 4] = mined
    cosine = t @ stored.T / np.linalg.norm(t, axis=1)[:, None] / np.linalg.norm(stored, axis=1)
    weights = np.concatenate([np.full((5, 1), np.exp(1 / 0.2)), np.exp(cosine / 0.2) * negative], axis=1)
    q = 0.7 * positives / positives.sum(1, keepdims=True) + 0.3 * weights / weights.sum(1, keepdims=True)
    found = KinematicSoftTargets(share=0.3, temperature=0.2)(
        directions(torch.tensor(t)),
        directions(torch.tensor(stored)),
        torch.where(torch.tensor(negative), 0.0, -1e9),
        torch.tensor(positives) if mined else None,
    )
    np.testing.assert_allclose(found.numpy(), q, rtol=1e-4, atol=1e-6)
    assert (found.numpy()[:, 1:][~negative & ~positives[:, 1:]] == 0).all()
    loss = InfoNCELoss(weight=2.0)(torch.tensor(logits).log_softmax(1), found)
    assert float(loss) == pytest.approx(-2 * (q * log_softmax(logits)).sum(1).mean(), rel=1e-5)


# The step


def test_both_rings_hold_the_same_walks_slot_by_slot() -> None:
    model = fitted(**SOFT, **AUXILIARY)
    seen = {}
    for number in range(5):  # 30 walks through 13 slots
        kinematics = walks(6, number)
        step(model, kinematics, first=6 * number)
        own = directions(model.kinematics(kinematics))
        seen |= dict(zip(model.queue._staged[-1][1].tolist(), own, strict=True))
        model.queue.commit()
        next(model.head.parameters()).data.add_(0)  # an optimiser's step
    assert torch.equal(model.queue.samples, model.queue.kinematics.samples)
    for sample, unit in zip(model.queue.samples.tolist(), model.queue.kinematics.keys, strict=True):
        assert torch.equal(unit, seen[sample])


def test_walks_that_move_alike_attract_each_other() -> None:
    model = fitted(**SOFT)
    model.soft_targets = KinematicSoftTargets(share=1.0, temperature=0.05)
    kinematics = walks(6)
    step(model, kinematics)
    model.queue.commit()
    hidden = torch.zeros(6, 13).masked_fill(~model.queue.negatives(torch.full((6,), 7)), -1e9)
    q = model.soft_targets(directions(model.kinematics(kinematics)), model.queue.kinematics.keys, hidden, None)
    assert torch.equal(q[:, 1:7].argmax(1), torch.arange(6))
    torch.testing.assert_close(q[:, 0], q[range(6), range(1, 7)])  # the same walk, another key


def test_gradients_reach_the_encoder_and_the_head_and_resist_nothing_else() -> None:
    model = fitted(**SOFT, **AUXILIARY)
    losses = step(model, walks(6))
    assert set(losses) == {"loss_info", "loss_divergence", "loss_kinematics", "top1"}
    losses["loss_kinematics"].backward()
    assert all(p.grad is not None for p in model.loss_kinematics.parameters())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.backbone.parameters())
    assert all(p.grad is None for p in model.head.parameters())  # h is predicted from, not z
    assert all(p.grad is None for p in model.key_backbone.parameters())


def test_with_mining_and_without_a_strong_view_they_work_too() -> None:
    model = fitted(**SOFT, **ONLY_GENERAL, loss_kinematics=dict(type="KinematicTargetLoss", views="all"))
    model.mining = NearestNeighbourMining(begin=0)
    for number in range(3):
        losses = step(model, walks(6, number), first=6 * number)
        assert all(torch.isfinite(value) for value in losses.values())
        model.queue.commit()
        next(model.head.parameters()).data.add_(0)


def test_parts_that_are_off_leave_no_trace() -> None:
    torch.manual_seed(3)
    plain = tiny_ssal(backbone=dict(type="PlainEncoder"))
    assert not [key for key in plain.state_dict() if "kinematic" in key]
    plain.init_weights()
    expected = step(plain, None)
    torch.manual_seed(3)
    given = tiny_ssal(backbone=dict(type="PlainEncoder"))
    given.init_weights()
    for name, value in step(given, walks(6)).items():  # a data set with kinematics, a model without a use for them
        assert torch.equal(value, expected[name])


def test_compiled_passes_are_equal() -> None:
    torch.manual_seed(0)
    few = {**SOFT, **ONLY_GENERAL}  # programs: each takes seconds
    few["loss_kinematics"] = dict(type="KinematicTargetLoss", views="all")
    plain = fitted(**few)
    compiled = fitted(**few, compile=dict(backend="eager", fullgraph=True))
    compiled.load_state_dict(plain.state_dict())
    for name, value in step(plain, walks(6)).items():
        torch.testing.assert_close(step(compiled, walks(6))[name], value, rtol=1e-4, atol=1e-4)


# What is refused


def test_parts_that_do_not_fit_are_named() -> None:
    with pytest.raises(ConfigError, match=r"model.queue.type.*KeyQueue, soft_targets on.*KinematicQueue"):
        tiny_ssal(soft_targets=SOFT["soft_targets"])
    with pytest.raises(ConfigError, match=r"model.queue.type.*KinematicQueue, soft_targets off"):
        tiny_ssal(queue=SOFT["queue"])
    with pytest.raises(ConfigError, match=r"loss_kinematics.views.*no strong view.*'all'"):
        tiny_ssal(**AUXILIARY, **ONLY_GENERAL)
    with pytest.raises(ConfigError, match=r"pipeline.kinematics.*loss_kinematics and model.soft_targets"):
        step(fitted(**AUXILIARY), None)
    with pytest.raises(ConfigError, match=r"model.loss_kinematics.views"):
        KinematicTargetLoss(4, views="general")
    with pytest.raises(ConfigError, match=r"model.soft_targets.share: must lie in \(0, 1\]"):
        KinematicSoftTargets(share=1.5)
    assert KinematicQueue(3, 2).kinematics.keys.shape == (3, D)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1", True, None])
def test_weights_shares_and_temperatures_are_positive_and_finite(value: Any) -> None:
    for key, build in (
        ("loss_info.weight", lambda: InfoNCELoss(value)),
        ("loss_divergence.weight", lambda: DistributionalDivergenceLoss(value)),
        ("loss_kinematics.weight", lambda: KinematicTargetLoss(4, value)),
        ("soft_targets.share", lambda: KinematicSoftTargets(share=value)),
        ("soft_targets.temperature", lambda: KinematicSoftTargets(temperature=value)),
    ):
        with pytest.raises(ConfigError, match=rf"model\.{key}: must be positive and finite. Found: "):
            build()

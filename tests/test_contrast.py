"""Losses, drop, queue, streams and the SSAL step against NumPy versions of their equations (docs/method.md)."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
import torch

from mmgaitemo.engine import MomentumUpdateHook
from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.models import (
    SSAL,
    DistributionalDivergenceLoss,
    GaitDataPreprocessor,
    InfoNCELoss,
    KeyQueue,
    NearestNeighbourMining,
    SimAMDrop,
)
from mmgaitemo.models.data_preprocessor import to_stream
from mmgaitemo.models.modules.simam_drop import simam_attention
from mmgaitemo.samples import fingerprint
from mmgaitemo.skeleton import get_skeleton

GENERAL = dict(order=("crop", "shear"), crop=dict(type="TemporalCrop"), shear=dict(type="Shear"))
STRONG = dict(
    order=("ssa",),
    ssa=dict(type="SSA", jitter=dict(type="UpperBodyJitter"), mask=dict(type="RandomSpatiotemporalMask")),
)


def tiny_ssal(**changes) -> SSAL:
    """A complete SSAL small enough for a test."""
    settings = dict(
        backbone=dict(
            type="CFFN",
            graph=dict(type="STGCN", skeleton="egait16", channels=(8, 8), strides=(1, 2)),
            image=dict(type="AFFNet", skeleton="egait16", stem=8, channels=(8,), strides=(2, 1)),
            out_channels=16,
        ),
        head=dict(type="ProjectionHead", hidden_channels=16, out_channels=8),
        queue=dict(type="KeyQueue", size=13, dim=8),
        loss_info=dict(type="InfoNCELoss"),
        loss_divergence=dict(type="DistributionalDivergenceLoss"),
        drop=dict(type="SimAMDrop"),
        temperature=0.1,
        data_preprocessor=dict(
            type="GaitDataPreprocessor",
            skeleton="egait16",
            views=dict(type="ContrastiveViews", general=GENERAL, strong=STRONG),
        ),
    )
    return SSAL(**{**settings, **changes})


def batch(n: int = 6, first: int = 0) -> dict:
    generator = torch.Generator().manual_seed(first)
    return dict(
        inputs=torch.randn(n, 3, 16, 16, generator=generator),
        label=torch.arange(n) % 4,
        id=[f"walk{first + i}" for i in range(n)],
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def test_info_nce_is_minus_log_of_the_positives_share() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 9)) * 4
    expected = -np.mean([np.log(np.exp(row[0]) / np.exp(row).sum()) for row in logits])
    assert float(InfoNCELoss(weight=2.0)(torch.tensor(logits).log_softmax(1))) == pytest.approx(2 * expected, rel=1e-5)


def test_info_nce_of_several_positives_is_their_mean() -> None:
    logits = np.random.default_rng(1).normal(size=(4, 7))
    positives = np.zeros((4, 7), bool)
    positives[:, 0] = positives[1, 3] = positives[2, 5] = positives[2, 6] = True
    expected = -np.mean([log_softmax(logits)[i][positives[i]].mean() for i in range(4)])
    assert float(InfoNCELoss()(torch.tensor(logits).log_softmax(1), torch.tensor(positives))) == pytest.approx(
        expected, rel=1e-5
    )


def test_divergence_is_a_cross_entropy_with_a_fixed_target() -> None:
    rng = np.random.default_rng(2)
    strong, general = rng.normal(size=(2, 5, 9)) * 3
    expected = -np.mean((np.exp(log_softmax(general)) * log_softmax(strong)).sum(1))
    a, b = torch.tensor(strong, requires_grad=True), torch.tensor(general, requires_grad=True)
    loss = DistributionalDivergenceLoss()(a.log_softmax(1), b.log_softmax(1))
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert b.grad is None
    # The gradient of KL(general || strong): the same, so the two losses differ by a constant.
    np.testing.assert_allclose(
        a.grad.numpy(), (np.exp(log_softmax(strong)) - np.exp(log_softmax(general))) / 5, rtol=1e-4, atol=1e-6
    )


def test_losses_are_float32_in_half_precision() -> None:
    model = tiny_ssal(temperature=0.01)  # some probabilities underflow even in float32
    model.queue.stage(torch.nn.functional.normalize(torch.randn(13, 8), dim=1), torch.arange(13), 0)
    model.queue.commit()
    data = model.data_preprocessor
    data.seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(**data(batch(), training=True), mode="loss")
    assert all(value.dtype == torch.float32 and torch.isfinite(value) for value in losses.values())
    keys = torch.cat([key for key, _ in model.queue._staged])
    assert keys.dtype == torch.float32
    torch.testing.assert_close(keys.norm(dim=1), torch.ones(6), rtol=0, atol=1e-6)  # a unit vector of bf16 is not


def test_simam_attention_equals_the_inverse_energy() -> None:
    x = np.random.default_rng(3).normal(size=(2, 3, 5, 16))
    expected = np.zeros_like(x)
    for n in range(2):
        for c in range(3):
            d = (x[n, c] - x[n, c].mean()) ** 2
            expected[n, c] = 1 / (1 + np.exp(-(d / (4 * (d.sum() / (5 * 16 - 1) + 1e-4)) + 0.5)))
    mine = simam_attention(torch.tensor(x), 1e-4).numpy()
    np.testing.assert_allclose(mine, expected, rtol=1e-6)
    assert mine.min() >= 0.622


def test_simam_drop_equals_both_masks_with_the_batch_wide_ratio() -> None:
    x = np.random.default_rng(4).normal(size=(4, 3, 5, 16)).astype(np.float32)
    x[:, :, :, 7] *= 6  # one joint moves much more than the others: it has to go
    x[:, :, 0, :] += 2
    attention = simam_attention(torch.tensor(x), 1e-4).numpy()
    joints = np.broadcast_to((attention.mean((1, 2), keepdims=True) < 0.7), x.shape).astype(np.float64)
    elements = (attention < 0.7).astype(np.float64)
    expected = x * joints * (joints.size / joints.sum()) * elements * (elements.size / elements.sum())
    maps = {"graph": torch.tensor(x), "image": torch.tensor(x)}
    out = SimAMDrop(threshold=0.7)(maps)
    np.testing.assert_allclose(out["graph"].numpy(), expected, rtol=1e-4, atol=1e-5)
    assert out["image"] is maps["image"]
    assert (out["graph"][..., 7] == 0).all()
    assert (maps["graph"].numpy() == x).all()


def test_simam_drop_of_everything_is_zero_not_nan() -> None:
    out = SimAMDrop(threshold=0.5)({"graph": torch.randn(2, 3, 4, 16)})["graph"]
    assert (out == 0).all()


def test_drop_names_the_missing_branch() -> None:
    with pytest.raises(ConfigError, match="no such feature map"):
        SimAMDrop(branches=("image",))({"graph": torch.zeros(1, 1, 2, 16)})


@pytest.mark.parametrize("size", [1, 7, 13, 64])
def test_queue_is_first_in_first_out_for_any_size_and_batch(size: int) -> None:
    queue, reference = KeyQueue(size, dim=3), deque(maxlen=size)
    counter = 0
    for step, n in enumerate([5, 5, 3, 1, 20, 2, 7]):
        keys = torch.arange(counter, counter + n, dtype=torch.float32)[:, None].expand(-1, 3)
        queue.stage(keys, torch.arange(counter, counter + n), step)
        queue.commit()
        reference.extend(range(counter, counter + n))
        counter += n
        stored = sorted(int(s) for s in queue.samples if s >= 0)
        assert stored == sorted(reference)
        assert all(int(key[0]) == int(s) for key, s in zip(queue.keys, queue.samples, strict=True) if s >= 0)
        assert queue.filled == len(reference)


def test_only_filled_slots_of_other_samples_are_negatives() -> None:
    queue = KeyQueue(5, dim=2, mask_self=True)
    assert not queue.negatives(torch.tensor([1, 2])).any()
    queue.stage(torch.randn(3, 2), torch.tensor([1, 2, 3]), 0)
    queue.commit()
    expected = torch.tensor([[0, 1, 1, 0, 0], [1, 1, 1, 0, 0]]).bool()
    assert torch.equal(queue.negatives(torch.tensor([1, 9])), expected)
    queue.mask_self = False
    assert queue.negatives(torch.tensor([1, 9]))[:, :3].all()


def test_fingerprints_are_stable_distinct_and_not_negative() -> None:
    prints = fingerprint([f"walk{i}" for i in range(1000)])
    assert len(set(prints.tolist())) == 1000
    assert (prints >= 0).all()
    assert prints[0] == fingerprint(["walk0"])[0] == 4832691247070974583


def test_ssal_loss_equals_the_equations() -> None:
    torch.manual_seed(0)
    model = tiny_ssal()
    model.train()
    rng = np.random.default_rng(5)
    for step in range(2):  # a partly filled queue that holds stale keys of the samples themselves
        keys = torch.tensor(rng.normal(size=(4, 8)), dtype=torch.float32)
        model.queue.stage(
            torch.nn.functional.normalize(keys, dim=1), fingerprint([f"walk{step * 4 + i}" for i in range(4)]), step
        )
        model.queue.commit()
    model.data_preprocessor.seed(1)
    data = model.data_preprocessor(batch(), training=True)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    losses = model(**data, mode="loss")

    model.load_state_dict(state)  # BatchNorm statistics as before
    unit = lambda v: v / np.linalg.norm(v, axis=1, keepdims=True)  # noqa: E731
    with torch.no_grad():
        views = data["inputs"]
        z1 = unit(model.key_head(model.key_backbone(views["key"])).numpy())
        z2 = unit(model.head(model.backbone(views["query"])).numpy())
        maps = model.backbone.feature_maps(views["strong"])
        z3 = unit(model.head(model.backbone.embed(maps)).numpy())
        z3d = unit(model.head(model.backbone.embed(model.drop(maps))).numpy())
    stored, owners = state["queue.keys"].numpy(), state["queue.samples"].numpy()
    me = fingerprint(data["ids"]).numpy()

    def log_p(z: np.ndarray) -> list[np.ndarray]:
        rows = []
        for i in range(6):
            negatives = stored[(owners >= 0) & (owners != me[i])]
            rows.append(log_softmax(np.concatenate([[z[i] @ z1[i]], negatives @ z[i]])[None] / 0.1)[0])
        return rows

    p2, p3, p3d = log_p(z2), log_p(z3), log_p(z3d)
    info = -np.mean([row[0] for row in p2])
    ce = lambda target, other: -np.mean([(np.exp(t) * o).sum() for t, o in zip(target, other, strict=True)])  # noqa: E731
    assert float(losses["loss_info"]) == pytest.approx(info, rel=1e-4)
    assert float(losses["loss_divergence"]) == pytest.approx((ce(p2, p3) + ce(p2, p3d)) / 2, rel=1e-4)


def test_weights_scale_their_terms_and_the_total_is_their_sum() -> None:
    plain = tiny_ssal()
    weighted = tiny_ssal(
        loss_info=dict(type="InfoNCELoss", weight=0.5),
        loss_divergence=dict(type="DistributionalDivergenceLoss", weight=3.0),
    )
    weighted.load_state_dict(plain.state_dict())
    for model in (plain, weighted):
        model.queue.stage(torch.nn.functional.normalize(torch.ones(4, 8), dim=1), torch.arange(4), 0)
        model.queue.commit()
        model.data_preprocessor.seed(1)
    data = plain.data_preprocessor(batch(), training=True)
    a, b = plain(**data, mode="loss"), weighted(**data, mode="loss")
    torch.testing.assert_close(b["loss_info"], 0.5 * a["loss_info"])
    torch.testing.assert_close(b["loss_divergence"], 3 * a["loss_divergence"])
    total, _ = plain.parse_losses(a)
    torch.testing.assert_close(total, a["loss_info"] + a["loss_divergence"])


def test_gradient_flows_through_queries_only_and_loss_changes_no_state_but_staging() -> None:
    model = tiny_ssal()
    model.train()
    model.data_preprocessor.seed(0)
    before = {k: v.clone() for k, v in model.state_dict().items() if "running" not in k and "num_batches" not in k}
    data = model.data_preprocessor(batch(), training=True)
    model.queue.stage(torch.nn.functional.normalize(torch.randn(5, 8), dim=1), torch.arange(5), 0)
    model.queue.commit()
    before.update({k: v.clone() for k, v in model.state_dict().items() if k.startswith("queue")})
    total, _ = model.parse_losses(model(**data, mode="loss"))
    total.backward()
    assert all(p.grad is None for p in (*model.key_backbone.parameters(), *model.key_head.parameters()))
    assert all(p.grad is not None for p in (*model.backbone.parameters(), *model.head.parameters()))
    after = model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_momentum_update_equals_the_moving_average_and_starts_from_a_copy() -> None:
    model = tiny_ssal()
    model.init_weights()
    pairs = [
        *zip(model.key_backbone.parameters(), model.backbone.parameters(), strict=True),
        *zip(model.key_head.parameters(), model.head.parameters(), strict=True),
    ]
    assert all(torch.equal(k, q) for k, q in pairs)
    expected = []
    with torch.no_grad():
        for key, query in pairs:
            query.add_(torch.randn_like(query))
            expected.append(0.9 * key.double().numpy() + 0.1 * query.double().numpy())
    model.momentum_update(0.9)
    for (key, _), value in zip(pairs, expected, strict=True):
        np.testing.assert_allclose(key.detach().numpy(), value, rtol=1e-5, atol=1e-6)


def test_momentum_follows_half_a_cosine() -> None:
    hook = MomentumUpdateHook(momentum=0.9, end_momentum=1.0)
    assert [hook.at(x) for x in (0.0, 0.5, 1.0)] == pytest.approx([0.9, 0.95, 1.0])
    assert MomentumUpdateHook(momentum=0.99).at(0.3) == 0.99
    with pytest.raises(ConfigError, match=r"\[0.5, 1\]"):
        MomentumUpdateHook(momentum=0.001)


def test_mining_adds_the_nearest_stored_key_of_every_view() -> None:
    a = torch.tensor([[9.0, 1, 5, 2], [9.0, 7, 5, 2]])
    b = torch.tensor([[0.0, 1, 2, 3], [0.0, 8, 5, 2]])
    positives = NearestNeighbourMining(begin=0)([a, b])
    assert positives.tolist() == [[True, False, True, True], [True, True, False, False]]


def test_streams_equal_their_definitions() -> None:
    skeleton = get_skeleton("kinect25")
    x = torch.randn(2, 3, 5, 25)
    bone = to_stream(x, "bone", skeleton).numpy()
    for joint, parent in enumerate(skeleton.parents):
        expected = x[..., joint] - x[..., parent] if parent >= 0 else torch.zeros(2, 3, 5)
        np.testing.assert_array_equal(bone[..., joint], expected.numpy())
    motion = to_stream(x, "motion", skeleton).numpy()
    np.testing.assert_array_equal(motion[:, :, :-1], x[:, :, 1:].numpy() - x[:, :, :-1].numpy())
    assert (motion[:, :, -1] == 0).all()
    assert to_stream(x, "joint", skeleton) is x


def test_views_depend_on_the_seed_alone() -> None:
    views = dict(type="ContrastiveViews", general=GENERAL, strong=STRONG)
    preprocessor = GaitDataPreprocessor("egait16", views=views)
    drawn = []
    for entropy in ((0, 1, 2, 0), (0, 1, 2, 0), (0, 1, 2, 1), (0, 2, 1, 0)):
        torch.manual_seed(len(drawn))  # the global state plays no part
        preprocessor.seed(*entropy)
        drawn.append(preprocessor(batch(), training=True)["inputs"])
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in ("key", "query", "strong"))
    assert not any(torch.equal(drawn[0]["key"], other["key"]) for other in drawn[2:])
    assert not torch.equal(drawn[0]["key"], drawn[0]["query"])


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: tiny_ssal(loss_divergence=None), ConfigError, "drop=None"),
        (lambda: tiny_ssal(temperature=0), ConfigError, "temperature"),
        (lambda: tiny_ssal(queue=dict(type="KeyQueue", size=0)), ConfigError, "queue.size"),
        (lambda: GaitDataPreprocessor("egait16", stream="bones"), ConfigError, "'bones'"),
        (lambda: GaitDataPreprocessor("kinect25")(batch()), ConfigError, "kinect25"),
        (lambda: tiny_ssal().data_preprocessor(batch(), training=True), TrainingError, "SeedHook"),
        (lambda: tiny_ssal()(inputs=torch.zeros(2, 3, 8, 16), ids=["a", "b"], mode="loss"), ConfigError, "two views"),
        (
            lambda: tiny_ssal()(inputs={v: torch.zeros(2, 3, 8, 16) for v in ("key", "query")}, ids=["a"], mode="loss"),
            ConfigError,
            "strong view",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(act, error, words: str) -> None:
    with pytest.raises(error, match=words):
        act()


def test_keys_that_nothing_commits_are_an_error_at_the_second_optimiser_step() -> None:
    model = tiny_ssal()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(2):
        model.data_preprocessor.seed(step)
        data = model.data_preprocessor(batch(), training=True)
        if step == 1:
            with pytest.raises(TrainingError, match="KeyQueueHook"):
                model(**data, mode="loss")
            return
        total, _ = model.parse_losses(model(**data, mode="loss"))
        total.backward()
        optimiser.step()

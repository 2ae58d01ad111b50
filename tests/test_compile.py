"""Options of SSAL that change its speed: compiled encoders, and keys without dropout."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import plain_encoder  # noqa: F401  registers PlainEncoder
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from test_contrast import GENERAL, batch, tiny_ssal

from mmgaitemo.models import SSAL

GRAPH = dict(type="STGCN", skeleton="egait16", channels=(8,), strides=(2,), dropout=0.5)
IMAGE = dict(type="AFFNet", skeleton="egait16", stem=8, channels=(8,), strides=(2, 1))
NEEDS_COMPILER = pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None, reason="torch.compile needs a C++ compiler"
)


def two_steps(model: SSAL) -> list[dict[str, Any]]:
    """Losses of two steps with everything that moves: weights, statistics, key encoder, queue."""
    model.train()
    optimiser = build_optim_wrapper(model, dict(optimizer=dict(type="SGD", lr=0.05)))
    logged = []
    for step in range(2):
        torch.manual_seed(step)
        model.data_preprocessor.seed(step)
        logged.append(model.train_step(batch(first=step), optimiser))
        model.momentum_update(0.9)
        model.queue.commit()
    return logged


def equal_steps(options: dict, **changes: Any) -> None:
    torch.manual_seed(0)
    plain = tiny_ssal(**changes)
    compiled = tiny_ssal(compile=options, **changes)
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    compiled.load_state_dict(plain.state_dict())
    for expected, found in zip(two_steps(plain), two_steps(compiled), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for key, value in plain.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[key], value, rtol=1e-3, atol=1e-4, msg=key)


def test_each_encoder_is_one_program_with_equal_results() -> None:
    """``fullgraph`` fails where Python would have to look at a number in the middle."""
    backbone = dict(type="CFFN", graph=GRAPH, image=IMAGE, out_channels=16)
    equal_steps(dict(backend="eager", fullgraph=True), backbone=backbone)


@NEEDS_COMPILER
def test_compiled_to_machine_code_the_results_are_equal() -> None:
    few = dict(backbone=dict(type="PlainEncoder"), loss_divergence=None, drop=None)  # few programs: each takes seconds
    views = dict(type="ContrastiveViews", general=GENERAL)
    preprocessor = dict(type="GaitDataPreprocessor", skeleton="egait16", views=views)
    equal_steps(dict(fullgraph=True), data_preprocessor=preprocessor, **few)


def test_a_copy_of_a_compiled_model_uses_its_own_weights() -> None:
    model = tiny_ssal(backbone=dict(type="PlainEncoder"), compile=dict(backend="eager"))
    model.data_preprocessor.seed(0)
    data = model.data_preprocessor(batch(), training=True)
    before = model(**data, mode="loss")["loss_divergence"]
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.head.parameters():
            parameter.mul_(-3)
    twin.queue._staged, model.queue._staged = [], []
    keys = torch.nn.functional.normalize(torch.randn(13, 8), dim=1)
    for queue in (model.queue, twin.queue):
        queue.stage(keys, torch.arange(13), 0)
        queue.commit()
    assert float(before.detach()) == 0  # an empty queue
    one, other = (float(m(**data, mode="loss")["loss_divergence"].detach()) for m in (model, twin))
    assert abs(one - other) > 1e-3


def test_without_key_dropout_the_keys_are_the_same_every_time_and_the_queries_are_not() -> None:
    backbone = dict(type="CFFN", graph={**GRAPH, "channels": (8, 8), "strides": (2, 1)}, image=None)
    for switch in (True, False):
        model = tiny_ssal(backbone=backbone, key_dropout=switch, drop=None).train()
        assert model.key_backbone.training
        x = batch()["inputs"]
        keys, queries = ([encoder(x) for _ in range(2)] for encoder in (model.key_backbone, model.backbone))
        assert torch.equal(*keys) != switch
        assert not torch.equal(*queries)
        assert torch.equal(*[model.eval().backbone(x) for _ in range(2)])

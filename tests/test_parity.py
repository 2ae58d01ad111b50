"""The as-published presets train as the published algorithm, written down in NumPy, does: losses, weights, queue.

The reference follows the papers of SkeletonCLR and AimCLR and the order of events in their public code: the queries'
passes; the key encoder's move, then the keys' pass; the losses, against the queue as it was; the new keys enter the
queue; SGD. Our side is the real preset in the real Runner with all its hooks; a small encoder (convolution, BatchNorm,
ReLU) stands in for ST-GCN, because its gradients are short to write.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import write_pair
from mmengine.hooks import Hook
from mmengine.runner import Runner
from runs import ROOT
from torch import Tensor, nn

from mmgaitemo.config import load_config
from mmgaitemo.models.backbones import SkeletonBackbone
from mmgaitemo.registry import BACKBONES

K, BATCH, DIM, TAU, MOMENTUM, KEPT = 48, 16, 128, 0.07, 0.999, 0.7
Weights = dict[str, np.ndarray]


@BACKBONES.register_module()
class ParityEncoder(SkeletonBackbone):
    """One convolution of each joint in each frame; no bias, as BatchNorm takes it out again."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.out_channels = nn.Conv2d(3, 12, 1, bias=False), nn.BatchNorm2d(12), 12

    def feature_maps(self, inputs: Tensor) -> dict[str, Tensor]:
        return {"graph": self.norm(self.conv(inputs)).relu()}

    def embed(self, maps: dict[str, Tensor]) -> Tensor:
        return maps["graph"].mean((2, 3))


def weights_of(backbone: nn.Module, head: nn.Module) -> Weights:
    modules = {"conv": backbone.conv, "norm": backbone.norm, "first": head.layers[0], "second": head.layers[-1]}
    return {
        f"{name}.{kind}": getattr(module, kind).detach().double().numpy().copy()
        for name, module in modules.items()
        for kind, _ in module.named_parameters()
    }


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def simam_mask(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the two drops multiply a map (N, C, T, V) with: joints (N, 1, 1, V), then elements."""
    distance = (x - x.mean((2, 3), keepdims=True)) ** 2
    energy = distance / (4 * (distance.sum((2, 3), keepdims=True) / (x[0, 0].size - 1) + 1e-4)) + 0.5
    attention = 1 / (1 + np.exp(-energy))
    joints = (attention.mean((1, 2), keepdims=True) < KEPT).astype(float)
    elements = (attention < KEPT).astype(float)
    return joints * joints.size / joints.sum(), elements * elements.size / elements.sum()


class Published:
    """SkeletonCLR (no strong view) and AimCLR in float64."""

    def __init__(self, query: Weights, key: Weights, queue: np.ndarray) -> None:
        self.query, self.key, self.queue = query, key, queue  # queue: (K, D)
        self.velocity: Weights = {}
        self.pointer = 0
        self.dropped = np.zeros(2)  # joints and elements hidden so far, to see that there are any

    def step(self, views: dict[str, np.ndarray], rate: float, mining: bool) -> dict[str, float]:
        """One training step on the views (N, 3, T, V); the losses."""
        outputs, passes = [], []
        for name in ("query", "strong"):
            if name in views:
                vectors, backward = self._encode(self.query, views[name], drop=name == "strong")
                outputs += vectors
                passes.append((len(vectors), backward))
        for name, value in self.query.items():
            self.key[name] = MOMENTUM * self.key[name] + (1 - MOMENTUM) * value
        keys = self._encode(self.key, views["key"], drop=False)[0][0]
        keys /= np.linalg.norm(keys, axis=1, keepdims=True)
        units = [vector / np.linalg.norm(vector, axis=1, keepdims=True) for vector in outputs]
        own = [(unit * keys).sum(1, keepdims=True) for unit in units]
        stored = [unit @ self.queue.T for unit in units]
        shares = [softmax(np.hstack(pair) / TAU) for pair in zip(own, stored, strict=True)]

        target = np.zeros_like(shares[0])
        target[:, 0] = 1
        if mining:  # the nearest stored key of each view is a positive too
            for similarity in stored:
                target[np.arange(len(keys)), 1 + similarity.argmax(1)] = 1
        target /= target.sum(1, keepdims=True)
        losses = {"loss_info": -(target * np.log(shares[0])).sum(1).mean()}
        if len(shares) > 1:  # the general view's distribution teaches the other two
            terms = [-(shares[0] * np.log(share)).sum(1).mean() for share in shares[1:]]
            losses["loss_divergence"] = (terms[0] + terms[1]) / 2

        known = self.queue.copy()
        self.queue[self.pointer : self.pointer + len(keys)] = keys
        self.pointer = (self.pointer + len(keys)) % len(self.queue)

        slopes = []
        for index, (vector, unit, share) in enumerate(zip(outputs, units, shares, strict=True)):
            logits = (share - (shares[0] if index else target)) / len(keys) / TAU * (0.5 if index else 1)
            slope = logits[:, :1] * keys + logits[:, 1:] @ known
            along = (slope * unit).sum(1, keepdims=True) * unit
            slopes.append((slope - along) / np.linalg.norm(vector, axis=1, keepdims=True))
        gradient = {name: np.zeros_like(value) for name, value in self.query.items()}
        for count, backward in passes:
            backward(slopes[:count], gradient)
            slopes = slopes[count:]
        for name, value in self.query.items():
            change = gradient[name] + 1e-4 * value
            self.velocity[name] = 0.9 * self.velocity.get(name, 0) + change
            self.query[name] = value - rate * self.velocity[name]
        return losses

    def _encode(
        self, w: Weights, x: np.ndarray, drop: bool
    ) -> tuple[list[np.ndarray], Callable[[list[np.ndarray], Weights], None]]:
        """The projections of a view, with ``drop`` also that of its dropped map; and their backward pass."""
        linear = np.einsum("oc,nctv->notv", w["conv.weight"][:, :, 0, 0], x)
        spread = np.sqrt(linear.var((0, 2, 3), keepdims=True) + 1e-5)
        normal = (linear - linear.mean((0, 2, 3), keepdims=True)) / spread
        rectified = (w["norm.weight"][:, None, None] * normal + w["norm.bias"][:, None, None]).clip(0)
        masks = [np.ones_like(rectified)]
        if drop:
            joints, elements = simam_mask(rectified)
            masks.append(joints * elements)
            self.dropped += [(joints == 0).sum(), (elements == 0).sum()]
        pooled = [(rectified * mask).mean((2, 3)) for mask in masks]
        hidden = [(vector @ w["first.weight"].T + w["first.bias"]).clip(0) for vector in pooled]

        def backward(slopes: list[np.ndarray], gradient: Weights) -> None:
            in_map = np.zeros_like(rectified)
            for slope, mask, vector, between in zip(slopes, masks, pooled, hidden, strict=True):
                gradient["second.weight"] += slope.T @ between
                gradient["second.bias"] += slope.sum(0)
                inner = (slope @ w["second.weight"]) * (between > 0)
                gradient["first.weight"] += inner.T @ vector
                gradient["first.bias"] += inner.sum(0)
                in_map += (inner @ w["first.weight"])[:, :, None, None] * mask / mask[0, 0].size
            in_map *= rectified > 0
            gradient["norm.weight"] += (in_map * normal).sum((0, 2, 3))
            gradient["norm.bias"] += in_map.sum((0, 2, 3))
            through = in_map - in_map.mean((0, 2, 3), keepdims=True)
            through -= normal * (in_map * normal).mean((0, 2, 3), keepdims=True)
            through *= w["norm.weight"][:, None, None] / spread
            gradient["conv.weight"] += np.einsum("notv,nctv->oc", through, x)[:, :, None, None]

        return [between @ w["second.weight"].T + w["second.bias"] for between in hidden], backward


class Recorder(Hook):
    """Starts as the public code does, and keeps what each step read, gave and left behind."""

    priority = "LOWEST"

    def __init__(self, other_keys: bool) -> None:
        self.other_keys = other_keys
        self.steps: list[dict[str, Any]] = []

    def before_train(self, runner: Runner) -> None:
        model = runner.model
        with torch.no_grad():
            model.queue.keys.copy_(nn.functional.normalize(torch.randn(K, DIM), dim=1))
            model.queue.samples.zero_()  # all slots are full
            if self.other_keys:  # their initialisation ran after the copy, so keys and queries started apart
                for parameter in (*model.key_backbone.parameters(), *model.key_head.parameters()):
                    parameter.add_(0.05 * torch.randn_like(parameter))
        self.start = {
            "query": weights_of(model.backbone, model.head),
            "key": weights_of(model.key_backbone, model.key_head),
            "queue": model.queue.keys.double().numpy().copy(),
        }
        model.momentum_update(MOMENTUM)  # theirs moves the keys before each step, ours after it: one step ahead
        model.data_preprocessor.register_forward_hook(self._see)

    def _see(self, module: nn.Module, inputs: Any, output: dict[str, Any]) -> None:
        self.views = {name: view.double().numpy() for name, view in output["inputs"].items()}

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self.keys = weights_of(runner.model.key_backbone, runner.model.key_head)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        model = runner.model
        self.steps.append(
            {
                "views": self.views,
                "epoch": runner.epoch,
                "rate": runner.optim_wrapper.get_lr()["lr"][0],
                "key": self.keys,
                "query": weights_of(model.backbone, model.head),
                "queue": model.queue.keys.double().numpy().copy(),
                "losses": {name: float(outputs[name]) for name in outputs if name in ("loss_info", "loss_divergence")},
            }
        )


def record(preset: str, folder: Path, other_keys: bool) -> Recorder:
    """Three epochs of two steps: as before the mining, with it, and with the lower learning rate."""
    options = {
        "model.backbone._delete_": True,
        "model.backbone.type": "ParityEncoder",
        "model.queue.size": K,
        "train_dataloader.batch_size": BATCH,
        "train_cfg.max_epochs": 3,
        "work_dir": str(folder),
        "val_cfg": None,
        "val_dataloader": None,
        "val_evaluator": None,
    }
    if preset == "aimclr":
        options["model.mining.begin"] = 1
    cfg = load_config(ROOT / "configs" / "baselines" / f"{preset}_published.py", options)
    cfg.update(log_level="ERROR", visualizer=dict(type="Visualizer"))
    cfg.default_hooks.checkpoint = None
    cfg.default_hooks.pop("report")
    recorder = Recorder(other_keys)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.train()
    return recorder


@pytest.mark.parametrize(("preset", "other_keys"), [("skeletonclr", False), ("aimclr", False), ("aimclr", True)])
def test_preset_trains_as_the_published_algorithm(
    preset: str, other_keys: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MMGAITEMO_EGAIT", str(write_pair(tmp_path / "egait", persons=5)))
    ours = record(preset, tmp_path / "run", other_keys)
    reference = Published(**ours.start)
    assert [(step["epoch"], round(step["rate"], 6)) for step in ours.steps] == [
        (0, 0.1), (0, 0.1), (1, 0.1), (1, 0.1), (2, 0.01), (2, 0.01)
    ]  # fmt: skip
    for step in ours.steps:
        losses = reference.step(step["views"], step["rate"], mining=preset == "aimclr" and step["epoch"] >= 1)
        assert step["losses"] == pytest.approx(losses, abs=1e-5)
        for kind in ("query", "key"):
            for name, value in getattr(reference, kind).items():
                np.testing.assert_allclose(step[kind][name], value, rtol=0, atol=1e-5, err_msg=f"{kind} {name}")
        np.testing.assert_allclose(step["queue"], reference.queue, rtol=0, atol=1e-5)
    assert (reference.dropped > 0).all() == (preset == "aimclr")

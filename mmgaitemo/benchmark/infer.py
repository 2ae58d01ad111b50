"""Part ``infer``: from the positions of a walk to the probabilities of its classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmgaitemo.benchmark import limits, machine
from mmgaitemo.benchmark.layouts import random_positions
from mmgaitemo.benchmark.onnx_runtime import exported
from mmgaitemo.benchmark.operations import encoder_macs
from mmgaitemo.benchmark.our_step import read_config, shown
from mmgaitemo.benchmark.reference_layers import reference_encoder
from mmgaitemo.benchmark.timing import Timing, interleaved
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.registry import BACKBONES, HEADS
from mmgaitemo.skeleton import get_skeleton

CLASSES, FRAMES, MANY = 4, 48, 64
CALLS = 10  # per round: a single walk takes milliseconds


class Classifier(nn.Module):
    """Encoder and linear head: (N, 3, T, V) to probabilities (N, classes).

    Args:
        backbone: Config of the encoder.
    """

    def __init__(self, backbone: dict[str, Any]) -> None:
        super().__init__()
        self.backbone = BACKBONES.build(backbone)
        self.head = HEADS.build(dict(type="LinearHead", in_channels=self.backbone.out_channels, num_classes=CLASSES))

    def forward(self, inputs: Tensor) -> Tensor:
        """Classify."""
        return self.head(self.backbone(inputs)).softmax(1)


def run(device: str, threads: int, rounds: int, config: str | None = None) -> dict[str, Any]:
    """Time one walk and many, end to end: our network, the same in reference layers, and in ONNX Runtime if installed.

    Args:
        device: "cpu" or "cuda"; ONNX Runtime stays on the processor.
        threads: Threads of PyTorch, and of ONNX Runtime.
        rounds: Timed rounds.
        config: Pre-training config, for its pipeline and encoder; None is ``configs/ssal_egait.py``.
    """
    cfg = read_config(config, "ssal_egait.py")
    prepare = _preparation(cfg)
    with machine.using_threads(threads), torch.no_grad():
        model = Classifier(cfg.model.backbone).eval()
        onnx_model, onnx = exported(model, prepare(1), threads)
        reference = nn.Sequential(reference_encoder(cfg.model.backbone).eval(), model.head).to(device)
        model.to(device)
        networks: dict[str, Callable[[Tensor], object]] = {
            "ours": lambda inputs: model(inputs.to(device)).cpu(),
            "reference": lambda inputs: reference(inputs.to(device)).cpu(),
            "preparation": lambda inputs: inputs,
        }
        if onnx_model is not None:
            networks["onnx"] = onnx_model
        variants = {
            f"{name}_{walks}": partial(_end_to_end, network, prepare, walks)
            for walks in (1, MANY)
            for name, network in networks.items()
        }
        timings = interleaved(variants, rounds, 1, device)
        timings = {name: _of_one(timing, int(name.rpartition("_")[2])) for name, timing in timings.items()}
        measured = limits.measure(device)
        macs = encoder_macs(cfg.model.backbone, cfg.model.data_preprocessor.skeleton, prepare(1).shape[2])
        settings = {"config": shown(cfg), "frames": FRAMES, "walks": MANY, "rounds": rounds}
        result = {
            "part": "infer",
            "machine": machine.describe(device),
            "settings": settings,
            "limits": measured,
            "results": {name: timing.summary(1) for name, timing in timings.items()},
            "speedup": timings["reference_1"].median / timings["ours_1"].median,
            "share_of_limit": 2 * macs / timings[f"ours_{MANY}"].median / measured["sgemm"],
            "milliseconds_one": 1e3 * timings["ours_1"].median,
            "milliseconds_of_many": 1e3 * timings[f"ours_{MANY}"].median,
            "macs_per_sample": macs,
            "onnx": onnx,
        }
        if onnx_model is not None:
            walk = prepare(1)
            result["onnx_apart"] = float((onnx_model(walk) - model(walk.to(device)).cpu()).abs().max())
        return result


def _preparation(cfg: Config) -> Callable[[int], Tensor]:
    """From raw positions, which are the same at each call, to the input of so many walks."""
    skeleton = get_skeleton(cfg.model.data_preprocessor.skeleton)
    pipeline = build_pipeline(cfg.train_dataloader.dataset.pipeline)
    walks = random_positions(skeleton.num_joints, FRAMES, MANY, np.random.default_rng(0))
    facts = {"id": "walk", "skeleton": skeleton, "rate": 30.0, "unit": "body", "up": "y"}

    def prepare(count: int) -> Tensor:
        return torch.stack([pipeline({**facts, "positions": walk})["inputs"] for walk in walks[:count]])

    return prepare


def _end_to_end(network: Callable[[Tensor], object], prepare: Callable[[int], Tensor], walks: int) -> None:
    for _ in range(CALLS if walks == 1 else 1):
        network(prepare(walks))


def _of_one(timing: Timing, walks: int) -> Timing:
    """Seconds of a single walk."""
    return Timing(tuple(value / (CALLS if walks == 1 else walks) for value in timing.seconds))

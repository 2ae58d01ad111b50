"""A published model as one graph, from positions to probabilities, for ONNX Runtime or ``torch.export``."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmgaitemo.apis.published import PublishedModel, features_of
from mmgaitemo.apis.tensor_steps import tensor_tail
from mmgaitemo.benchmark.onnx_runtime import NEEDS
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import get_skeleton

Run = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
INPUT, OUTPUTS = "positions", ("probabilities", "distance")
TOLD = ("name", "classes", "rate", "frames", "licence", "publishable", "demonstration", "note")


class GaitGraph(nn.Module):
    """Positions (N, T, V, 3) float32 to calibrated probabilities (N, C) and novelty distances (N,).

    The positions are in the joint order, up axis and frame rate of the model, in any unit; N and T are free. Steps of
    the pipeline that no graph can do are named in ``outside``: the positions have to be what they leave.

    Args:
        published: The model, on the CPU.
    """

    def __init__(self, published: PublishedModel) -> None:
        super().__init__()
        transforms = build_pipeline(published.pipeline).transforms
        self.skeleton = get_skeleton(published.meta["skeleton"])
        self.steps, self.outside = tensor_tail(transforms, self.skeleton)
        self.model, self.novelty, self.meta = published.model, published.novelty, published.meta
        self.temperature = float(published.calibration["temperature"])

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare, encode, classify, compare."""
        for step in self.steps:
            positions = step(positions)
        features = features_of(self.model, positions)
        probabilities = (self.model.head(features) / self.temperature).softmax(1)
        return probabilities, self.novelty.distance(features, positions)

    def facts(self) -> dict[str, str]:
        """What has to be known to use the graph, each as JSON: it is stored in the file."""
        about: dict[str, Any] = {
            "joints": self.skeleton.joints,
            "up": "xyz"[self.skeleton.up],
            "done_before": self.outside,
            "threshold": self.novelty.threshold,
            **{key: self.meta[key] for key in TOLD},
        }
        return {f"mmgaitemo.{key}": json.dumps(value) for key, value in about.items()}


@torch.no_grad()
def traced(graph: GaitGraph, example: Tensor) -> torch.export.ExportedProgram:
    """The graph for any number of walks and frames.

    Args:
        graph: In eval mode.
        example: (N, T, V, 3) positions, N at least 2: with one walk the number of walks is taken for a constant.
    """
    sizes = ({0: torch.export.Dim("walks", min=1), 1: torch.export.Dim("frames", min=2)},)
    # strict: PyTorch 2.13's other tracer takes the number of walks for a constant inside an autograd.Function.
    return torch.export.export(graph, (example,), dynamic_shapes=sizes, strict=True)


def write_onnx(program: torch.export.ExportedProgram, facts: dict[str, str], path: Path) -> None:
    """Write a traced graph for ONNX Runtime, the facts as metadata.

    Raises:
        ConfigError: A package that this needs is not installed.
    """
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        raise ConfigError(
            "ONNX", "needs packages that are not installed", found=missing, remedy=f"pip install {' '.join(missing)}"
        )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own parts
        onnx_program: Any = torch.onnx.export(
            program, dynamo=True, verbose=False, input_names=[INPUT], output_names=list(OUTPUTS)
        )
    onnx_program.model.metadata_props.update(facts)
    onnx_program.save(path)


def write_program(program: torch.export.ExportedProgram, facts: dict[str, str], path: Path) -> None:
    """Write a traced graph for ``torch.export.load``, the facts as extra files."""
    torch.export.save(program, path, extra_files=facts)


def read_onnx(path: Path) -> Run:
    """What runs an ONNX file, on as many threads as PyTorch uses here."""
    onnxruntime = importlib.import_module("onnxruntime")  # by name: it is optional, and has no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda positions: tuple(session.run(list(OUTPUTS), {INPUT: positions}))


def read_program(path: Path) -> Run:
    """What runs a file of ``torch.export``."""
    module = torch.export.load(path).module()

    def run(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            probabilities, distance = module(torch.from_numpy(positions))
        return probabilities.numpy(), distance.numpy()

    return run

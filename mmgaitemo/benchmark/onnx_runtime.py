"""The same network in ONNX Runtime, where that is installed."""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

NEEDS = ("onnx", "onnxscript", "onnxruntime")


def exported(model: nn.Module, example: Tensor, threads: int) -> tuple[Callable[[Tensor], Tensor] | None, str]:
    """The model as an ONNX graph for batches of any size, and a word on how that went.

    Args:
        model: In eval mode on the CPU, (N, 3, T, V) to (N, classes).
        example: An input.
        threads: Of ONNX Runtime.

    Returns:
        What runs it, or None; "ok", or why there is none.
    """
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        return None, f"not installed: {', '.join(missing)}"
    onnxruntime = importlib.import_module("onnxruntime")  # by name: it is optional, and has no types

    pair = torch.cat([example, example])  # with a batch of one the exporter would take the size for a constant
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / "model.onnx"
            sizes = ({0: torch.export.Dim.DYNAMIC},)
            torch.onnx.export(model, (pair,), path, dynamo=True, dynamic_shapes=sizes, verbose=False)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # an exporter fails in many ways; the benchmark goes on and says how
        return None, f"cannot be exported: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    name = session.get_inputs()[0].name
    return lambda inputs: torch.from_numpy(session.run(None, {name: inputs.numpy()})[0]), "ok"

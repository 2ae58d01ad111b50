"""Everything that works around MMEngine, each piece with the upstream issue it answers. Nothing else may.

Imported with the package, so that a config's ``default_scope`` is early enough.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.fileio import LocalBackend, register_backend
from mmengine.optim import OptimWrapper
from mmengine.runner import CheckpointLoader, autocast
from torch import nn

from mmgaitemo.errors import CheckpointError
from mmgaitemo.registry import OPTIM_WRAPPERS


def load_from_local(filename: str, map_location: Any = "cpu") -> Any:
    """Read a checkpoint without ever unpickling code.

    MMEngine 0.10.7 calls ``torch.load`` without ``weights_only`` and cannot read its own log buffers back with
    torch >= 2.6 (open-mmlab/mmengine#1655). ``SafeCheckpointHook`` keeps those buffers out of the file, so the safe
    reader is enough.

    Raises:
        CheckpointError: The file is missing, is no checkpoint, or holds pickled objects.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise CheckpointError(
            str(path),
            "no such checkpoint file",
            remedy="check the path; runs write epoch_*.pth; download first what lies on another machine",
        )
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            str(path),
            "the file is no checkpoint, or holds pickled objects beside tensors and plain values",
            found=str(error).splitlines()[0],
            remedy="pass a checkpoint written by tools/train.py; a foreign one from a source you trust can be reduced "
            "to its weights with torch.save({'state_dict': torch.load(FILE, weights_only=False)['state_dict']}, NEW)",
        ) from None
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            str(path),
            "the file is no checkpoint or is truncated",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            remedy="pass a checkpoint written by tools/train.py",
        ) from None


# Every scheme: MMEngine's loaders for URLs would unpickle whatever they fetch.
REMOTE = ["http://", "https://", "pavi://", r"(\S+\:)?s3://", r"(\S+\:)?petrel://"]
REMOTE += ["modelzoo://", "torchvision://", "open-mmlab://", "openmmlab://", "mmcls://"]
CheckpointLoader.register_scheme(prefixes=["", *REMOTE], loader=load_from_local, force=True)


@register_backend("local", force=True, prefixes="")
class WholeFileBackend(LocalBackend):
    """Writes a file under another name and renames it: there is never half a checkpoint, whatever stops the process.

    MMEngine 0.10.7 writes in place (``LocalBackend.put``; no upstream issue names it).
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write the bytes, or leave the file as it was."""
        partial = Path(f"{filepath}.partial")
        try:
            super().put(obj, partial)
            os.replace(partial, filepath)
        finally:
            partial.unlink(missing_ok=True)


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """bfloat16 autocast on any device, without a gradient scaler (bf16 has float32's exponent range).

    MMEngine's ``AmpOptimWrapper`` refuses CPUs (open-mmlab/mmpretrain#1556).
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enter autocast around the forward pass."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield


def prepare_distributed(cfg: Config) -> None:
    """Let a launched run work without a GPU.

    MMEngine sets a CUDA device before it starts the process group and hands ``device_ids`` to DDP whatever the device
    (``mmengine.dist.utils`` and ``Runner.wrap_model``, as left by open-mmlab/mmengine#973; no upstream issue asks for
    CPUs). A group that exists already is left alone by the Runner.
    """
    if "RANK" in os.environ and not torch.cuda.is_available():
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("gloo")
        cfg.model_wrapper_cfg = dict(type="MMDistributedDataParallel", device_ids=None, broadcast_buffers=False)

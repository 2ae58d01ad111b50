"""Everything that works around MMEngine and PyTorch, each piece with the upstream issue it answers. Nothing else may.

Imported with the package, so that a config's ``default_scope`` is early enough.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine.config.config
import mmengine.optim
import torch
import torch.distributed
from mmengine.config import Config
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner import CheckpointLoader, autocast
from torch import Tensor, nn

from mmgaitemo.errors import CheckpointError
from mmgaitemo.registry import OPTIM_WRAPPERS


def as_written(text: str, **_: Any) -> tuple[str, bool]:
    """Leave the text of a config as MMEngine wrote it.

    yapf takes up to 3 s, and a run formats its config for the log, the dump and each checkpoint. MMEngine's
    switch against that, ``format_python_code`` (open-mmlab/mmengine#1232), reaches only lazy configs.
    """
    return text, False


mmengine.config.config.FormatCode = as_written


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
class OptimWrapper(mmengine.optim.OptimWrapper):
    """MMEngine's wrapper, fit for steps that the host does not wait for, and for fused optimisers.

    MMEngine 0.10.7 reads the norm of a clipped gradient at every step (``_clip_grad``; no upstream issue names it).
    Here it stays on the device until the log is written.
    """

    _notes: dict[str, Tensor] | None = None

    def step(self, **kwargs: Any) -> None:
        """Step, and count it in the weights' versions, as PyTorch's fused optimisers do not (2.13).

        ``KeyQueue`` tells by them whether the weights have moved.
        """
        super().step(**kwargs)
        torch.autograd.graph.increment_version([p for group in self.optimizer.param_groups for p in group["params"]])

    def take_notes(self) -> dict[str, Tensor]:
        """What the last step left for the log, by name; each is given away once."""
        notes, self._notes = self._notes or {}, None
        return notes

    def _clip_grad(self) -> None:
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        norm = self.clip_func([p for p in parameters if p.grad is not None], **self.clip_grad_kwargs)
        self._notes = {} if norm is None else {self.grad_name: norm.detach()}


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


def settle_vector_functions() -> None:
    """Call each of MKL's vector functions once on one number, which settles which version of it this process uses.

    Where several threads make the first call together, one of them may take a version of half the precision for its
    part (pytorch/pytorch#188792): a first step, seldom, is 1e-5 off, and a resumed run no longer the same to the bit.
    """
    names = "acos asin atan cos erf erfc erfinv exp expm1 lgamma log log10 log1p log2 sin sqrt tan tanh trunc"
    for dtype in (torch.float32, torch.float64):
        for name in names.split():
            getattr(torch, name)(torch.full((1,), 0.5, dtype=dtype))


settle_vector_functions()


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

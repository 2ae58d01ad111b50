"""Carrying an encoder from one run to another, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmgaitemo.errors import CheckpointError
from mmgaitemo.samples import fingerprint, sample_ids

PREFIX = "backbone."


def check_state(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Refuse a state that is not exactly this module's.

    Raises:
        CheckpointError: Keys are missing or foreign, shapes or types differ, or numbers are not finite; lists up to
            five of each.
    """
    own = module.state_dict()
    shared = [key for key in own if key in state]
    faults = {
        "missing": [key for key in own if key not in state],
        "foreign": [key for key in state if key not in own],
        "of another shape": [
            f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
            for key in shared
            if own[key].shape != state[key].shape
        ],
        "of another type": [f"{key} {state[key].dtype}" for key in shared if own[key].dtype != state[key].dtype],
        "not finite": [key for key in shared if not state[key].isfinite().all()],
    }
    if any(faults.values()):
        found = "; ".join(
            f"{len(keys)} {fault}: {', '.join(keys[:5])}{', ...' if len(keys) > 5 else ''}"
            for fault, keys in faults.items()
            if keys
        )
        raise CheckpointError(
            where,
            "the checkpoint belongs to another model, or is damaged",
            found=found,
            remedy="give the network the settings that the checkpoint was trained with, by config and --cfg-options "
            "(its work_dir holds them)",
        )


def read_checkpoint(path: str) -> dict[str, Any]:
    """A checkpoint of this project, with weights under ``state_dict`` and what is known of its making under ``meta``.

    Raises:
        CheckpointError: The file is missing or no checkpoint.
    """
    checkpoint = CheckpointLoader.load_checkpoint(path, map_location="cpu")
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise CheckpointError(
            path,
            "the file holds no weights under 'state_dict'",
            found=[str(key) for key in checkpoint][:5] if isinstance(checkpoint, dict) else type(checkpoint).__name__,
            remedy="pass a checkpoint written by tools/train.py",
        )
    meta = checkpoint.setdefault("meta", {})  # one reduced to its weights has none
    seen = meta.get("trained_on") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not (seen is None or (isinstance(seen, Tensor) and seen.dtype == torch.int64)):
        raise CheckpointError(
            path,
            "what it says of its own making ('meta') is damaged",
            found=f"{type(meta).__name__}, trained_on {type(seen).__name__}",
            remedy="pass a checkpoint written by tools/train.py",
        )
    return checkpoint


def check_unseen(checkpoint: Mapping[str, Any], dataset: Any, where: str) -> None:
    """Refuse to evaluate on walks that the checkpoint, or its encoder, was trained on, with or without their labels.

    Raises:
        CheckpointError: Some of the walks were in its training set: the fold or split is another.
    """
    seen = checkpoint["meta"].get("trained_on")
    if seen is None:  # a checkpoint reduced to its weights does not say
        return
    names = sample_ids(dataset)
    leaked = [name for name, known in zip(names, torch.isin(fingerprint(names), seen).tolist(), strict=True) if known]
    if leaked:
        raise CheckpointError(
            where,
            "the checkpoint was trained on walks that it is to be evaluated on",
            found=f"{len(leaked)} of {len(names)}, such as {leaked[:3]}",
            remedy="evaluate on the fold that was held out: pass the same --cfg-options fold=... to both runs",
        )


def load_encoder(backbone: nn.Module, path: str) -> None:
    """Load the ``backbone.*`` weights of any of the project's checkpoints.

    Raises:
        CheckpointError: The file is no checkpoint, or its encoder has other keys or shapes.
    """
    weights = read_checkpoint(path)["state_dict"]
    state = {key.removeprefix(PREFIX): value for key, value in weights.items() if key.startswith(PREFIX)}
    check_state(backbone, state, f"{path} (encoder)")
    backbone.load_state_dict(state)
    print_log(f"encoder loaded strictly from {path}: {len(state)} tensors", logger="current")

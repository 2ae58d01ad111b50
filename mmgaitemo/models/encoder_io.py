"""Carrying an encoder from one run to another, strictly."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmgaitemo.errors import CheckpointError

PREFIX = "backbone."


def check_state(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Refuse a state that is not exactly this module's.

    Raises:
        CheckpointError: Keys are missing or foreign, or shapes differ; lists up to five of each.
    """
    own = module.state_dict()
    reshaped = [
        f"{k} {tuple(state[k].shape)} for {tuple(own[k].shape)}"
        for k in own
        if k in state and own[k].shape != state[k].shape
    ]
    faults = {
        "missing": [k for k in own if k not in state],
        "foreign": [k for k in state if k not in own],
        "of another shape": reshaped,
    }
    if any(faults.values()):
        found = "; ".join(
            f"{len(keys)} {fault}: {', '.join(keys[:5])}{', ...' if len(keys) > 5 else ''}"
            for fault, keys in faults.items()
            if keys
        )
        raise CheckpointError(
            where,
            "the checkpoint belongs to another model",
            found=found,
            remedy="use the config that the checkpoint was trained with (its work_dir holds a copy)",
        )


def state_of(path: str) -> dict[str, Tensor]:
    """The weights in a checkpoint file.

    Raises:
        CheckpointError: The file is missing or no checkpoint.
    """
    checkpoint = CheckpointLoader.load_checkpoint(path, map_location="cpu")
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            path,
            "the file holds no weights under 'state_dict'",
            found=sorted(checkpoint)[:5] if isinstance(checkpoint, dict) else type(checkpoint).__name__,
            remedy="pass a checkpoint written by tools/train.py",
        )
    return state


def load_encoder(backbone: nn.Module, path: str) -> None:
    """Load the ``backbone.*`` weights of any of the project's checkpoints.

    Raises:
        CheckpointError: The file is no checkpoint, or its encoder has other keys or shapes.
    """
    state = {key.removeprefix(PREFIX): value for key, value in state_of(path).items() if key.startswith(PREFIX)}
    check_state(backbone, state, f"{path} (encoder)")
    backbone.load_state_dict(state)
    print_log(f"encoder loaded strictly from {path}: {len(state)} tensors", logger="current")

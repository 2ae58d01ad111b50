"""What a checkpoint says of its own making, held against what it is now to be used for.

A checkpoint carries the text of its config. The text is read, never executed: a foreign checkpoint must not run code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.config import Config

from mmgaitemo.errors import CheckpointError
from mmgaitemo.overrides import setting_at

SCHEDULE = (
    "model",
    "train_dataloader",
    "optim_wrapper",
    "param_scheduler",
    "train_cfg",
    "randomness",
    "fold",
    "unused_fold",
    "val_cfg",
    "val_dataloader.dataset",
    "default_hooks.momentum",
)
RECORDINGS = ("train_dataloader.dataset.type", "train_dataloader.dataset.files")
NETWORK = ("model.backbone", "model.data_preprocessor.skeleton", "model.data_preprocessor.stream")
PREPARATION = ("val_dataloader.dataset.pipeline",)  # that of training may leave room for views
ENCODER = (*NETWORK, *PREPARATION)


def read_settings(text: str) -> dict[str, Any]:
    """The top-level settings of a dumped config: assignments of literals and of ``dict(...)``; others are left out."""
    settings = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            settings[node.targets[0].id] = _value(node.value)
    return settings


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return {keyword.arg: _value(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(element) for element in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def differing(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Dotted keys at which two settings differ."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [] if old == new else [prefix]
    keys = sorted(old.keys() | new.keys(), key=str)
    return [path for key in keys for path in differing(old.get(key), new.get(key), f"{prefix}.{key}".lstrip("."))]


def check_made_with(checkpoint: Mapping[str, Any], cfg: Config, keys: Iterable[str], where: str) -> None:
    """Refuse a checkpoint made with other settings than those it is to be used with.

    Args:
        checkpoint: As loaded; one without a config (weights alone) says nothing and passes.
        cfg: The config at hand.
        keys: Dotted keys that have to agree.
        where: The file, for the message.

    Raises:
        CheckpointError: Settings differ, and it names up to eight of them; or its config cannot be read.
    """
    if changed := changed_since(checkpoint, cfg, keys, where):
        raise CheckpointError(
            where,
            "the checkpoint was made with other settings",
            found=f"{', '.join(changed[:8])}{', ...' if len(changed) > 8 else ''} differ",
            remedy="pass the same config and --cfg-options as then (the work_dir holds the config), or start a new run",
        )


def check_encoder(checkpoint: Mapping[str, Any], cfg: Config, where: str) -> list[str]:
    """Refuse an encoder of another network, or one of these very recordings prepared in another way.

    Other recordings need a preparation of their own: an encoder may be carried from one data set to another (transfer).

    Returns:
        Dotted keys at which the preparation differs: none, or of other recordings, for the user to read.

    Raises:
        CheckpointError: Settings differ that must not.
    """
    elsewhere = bool(changed_since(checkpoint, cfg, RECORDINGS, where))
    check_made_with(checkpoint, cfg, NETWORK if elsewhere else ENCODER, where)
    return changed_since(checkpoint, cfg, PREPARATION, where)


def changed_since(checkpoint: Mapping[str, Any], cfg: Config, keys: Iterable[str], where: str) -> list[str]:
    """Dotted keys at which the settings a checkpoint was made with differ from a config; see ``check_made_with``.

    Raises:
        CheckpointError: Its config cannot be read.
    """
    text = checkpoint["meta"].get("cfg")
    if text is None:
        return []
    try:
        old = read_settings(text)
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise CheckpointError(
            where, "its config cannot be read", found=error, remedy="pass a checkpoint written by tools/train.py"
        ) from None
    new = read_settings(cfg.pretty_text)
    changed = [path for key in keys for path in differing(setting_at(old, key), setting_at(new, key), key)]
    return [path for path in changed if path != "model.encoder"]  # where the weights came from, not what they are

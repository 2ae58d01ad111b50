"""Reading a config, and finding out that it cannot work before anything is written."""

from __future__ import annotations

import difflib
import inspect
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.registry import DATASETS, MODELS

# Top-level keys that something reads after parsing; other variables of a config only shape it while it is parsed.
EFFECTIVE = set(inspect.signature(Runner.__init__).parameters) - {"self", "cfg"} | {
    "activation_checkpointing",
    "compile",
    "custom_imports",
    "efficient_conv_bn_eval",
    "find_unused_parameters",
    "fold",
    "model_wrapper_cfg",
    "sync_bn",
}

MMENGINE = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")  # its default hooks


def load_config(path: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a Python config and give its top-level ``fold`` to every data set that names none of its own.

    Args:
        path: The config file.
        options: Overrides by dotted key, as from ``--cfg-options``.

    Raises:
        ConfigError: The file is missing or does not parse.
    """
    if not Path(path).is_file():
        raise ConfigError(str(path), "no such config", remedy="see configs/ for those that come with the project")
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is Python: whatever its code may raise
        raise ConfigError(str(path), "the config does not parse", found=error, remedy="correct that line") from error
    if options:
        _check_options(options)
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, IndexError) as error:
            raise ConfigError("--cfg-options", "cannot be merged", found=error, remedy="correct the key") from error
    for name in [name for name, hook in cfg.get("default_hooks", {}).items() if hook is None and name not in MMENGINE]:
        cfg.default_hooks.pop(name)  # MMEngine itself takes None only for its own hooks
    if "fold" in cfg:
        for dataset in datasets_of(cfg):
            dataset.setdefault("fold", cfg.fold)
    return cfg


def _check_options(options: dict[str, Any]) -> None:
    for option in options:
        key = option.split(".")[0]
        if key not in EFFECTIVE:
            near = difflib.get_close_matches(key, sorted(EFFECTIVE), n=3)
            raise ConfigError(
                f"--cfg-options {option}",
                "has no effect: nothing reads this top-level key once the config is parsed",
                found=repr(key),
                remedy=f"did you mean one of {near}?" if near else "docs/configs.md lists the knobs",
            )


def datasets_of(node: Any) -> Iterator[ConfigDict]:
    """Every data set config inside a config: the dicts with a ``type`` and a ``split``."""
    if isinstance(node, Config):
        node = node._cfg_dict
    if isinstance(node, dict):
        if "type" in node and "split" in node:
            yield node
        for value in node.values():
            yield from datasets_of(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from datasets_of(value)


def preflight(cfg: Config) -> BaseModel:
    """Build every data set and the model once, so that what cannot work is found before a work_dir exists.

    Returns:
        The model, with weights that are not yet initialised.

    Raises:
        GaitError: What is wrong, and what to do.
    """
    init_default_scope(cfg.get("default_scope", "mmgaitemo"))
    try:
        for dataset in datasets_of(cfg):
            DATASETS.build(dataset).full_init()
        _check_first_batch(cfg)
        return MODELS.build(cfg.model)
    except GaitError:
        raise
    except Exception as error:
        raise explained(error, cfg, "the data or the model cannot be built with these settings") from error


def explained(error: Exception, cfg: Config, problem: str) -> ConfigError:
    """An error of MMEngine or PyTorch in the words of this project: what failed, where, and with what message."""
    if isinstance(error, KeyError) and (unknown := unknown_type(error)) is not None:
        return unknown
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return ConfigError(
        str(cfg.filename or "config"),
        problem,
        found=f"{what} ({Path(place.filename).name}:{place.lineno})",
        remedy="correct the setting it speaks of; docs/configs.md lists the knobs",
    )


def _check_first_batch(cfg: Config) -> None:
    loader = cfg.train_dataloader
    samples = len(DATASETS.build(loader.dataset))
    if loader.get("drop_last", False) and loader.batch_size > samples:
        raise ConfigError(
            "train_dataloader.batch_size",
            "not one full batch fits into an epoch, so nothing would be trained",
            found=f"batches of {loader.batch_size}, {samples} training samples",
            remedy="set a smaller batch_size or a larger label_fraction",
        )
    if not loader.get("drop_last", False) and samples % loader.batch_size == 1:
        raise ConfigError(
            "train_dataloader.batch_size",
            "the last batch of an epoch would have one sample, of which BatchNorm cannot take statistics",
            found=f"batches of {loader.batch_size}, {samples} training samples",
            remedy="set another batch_size, or drop_last=True",
        )


def unknown_type(error: KeyError) -> ConfigError | None:
    """MMEngine's "X is not in the Y registry" with the names that come near; None for another error."""
    match = re.search(r"(\S+) is not in the (\S+)::(.+?) registry", str(error))
    if match is None:
        return None
    name, _, registry_name = match.groups()
    name = name.strip("\"'")
    registry = {"dataset": DATASETS, "model": MODELS}.get(registry_name)
    known = sorted(registry.module_dict) if registry is not None else []
    near = difflib.get_close_matches(name, known, n=3) or known
    hint = f"use one of {near}, or " if near else ""
    return ConfigError(
        "type",
        f"nothing of this name in the {registry_name} registry",
        found=repr(name),
        remedy=f"{hint}name the module that registers it in custom_imports",
    )

"""Reading a config, and finding out that it cannot work before anything is written."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.overrides import MMENGINE, apply_overrides, schedulers_of, setting_at
from mmgaitemo.registry import DATASETS, MODELS

ROLES = ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")


class Built(NamedTuple):
    """What a config describes, built once.

    Attributes:
        model: With weights that are not yet initialised.
        datasets: Config key to data set, of those of ``ROLES`` that the config names.
    """

    model: BaseModel
    datasets: dict[str, Any]


def load_config(path: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a Python config and give its top-level ``fold`` and ``unused_fold`` to every data set without its own.

    Args:
        path: The config file.
        options: Overrides by dotted key, as from ``--cfg-options``; see ``mmgaitemo.overrides``.

    Raises:
        ConfigError: The file is missing or does not parse, or an override makes no sense.
    """
    if not Path(path).is_file():
        raise ConfigError(str(path), "no such config", remedy="see configs/ for those that come with the project")
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is Python: whatever its code may raise
        raise ConfigError(str(path), "the config does not parse", found=error, remedy="correct that line") from error
    if options:
        apply_overrides(cfg, options)
    for name in [name for name, hook in cfg.get("default_hooks", {}).items() if hook is None and name not in MMENGINE]:
        cfg.default_hooks.pop(name)  # MMEngine itself takes None only for its own hooks
    if "fold" in cfg:
        _check_reached(cfg)
        for dataset in datasets_of(cfg):
            dataset.setdefault("fold", cfg.fold)
    if cfg.get("unused_fold") is not None:
        for dataset in datasets_of(cfg):
            dataset.setdefault("unused_fold", cfg.unused_fold)
    return cfg


def _check_reached(cfg: Config) -> None:
    """A data set that names no split would not be told the config's fold: it would take another, silently."""
    for role in ROLES:
        dataset = setting_at(cfg._cfg_dict, role)
        if dataset and next(datasets_of(dataset), None) is None:
            raise ConfigError(
                f"{cfg.filename}, {role}",
                "names no split, so that the config's fold would not reach it",
                found=dataset.get("type"),
                remedy="write split='train' or split='test'",
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


def preflight(cfg: Config) -> Built:
    """Build every data set and the model once, so that what cannot work is found before a work_dir exists.

    Raises:
        GaitError: What is wrong, and what to do.
    """
    init_default_scope(cfg.get("default_scope", "mmgaitemo"))
    named = {role: setting_at(cfg._cfg_dict, role) for role in ROLES}
    try:
        check_schedule(cfg)
        _check_whitening(cfg)
        datasets = {role: DATASETS.build(dataset) for role, dataset in named.items() if dataset}
        for dataset in datasets.values():
            dataset.full_init()
        check_first_batch(cfg, len(datasets[ROLES[0]]))
        return Built(MODELS.build(cfg.model), datasets)
    except GaitError:
        raise
    except Exception as error:
        raise explained(error, cfg, "the data or the model cannot be built with these settings") from error


def quiet(cfg: Config) -> Config:
    """The config of a run inside another program: no files but those it wants, no validation, in this very process."""
    cfg.update(val_cfg=None, val_dataloader=None, val_evaluator=None)
    cfg.visualizer = dict(type="Visualizer")  # writes nothing
    cfg.env_cfg.mp_cfg = dict(mp_start_method="spawn")  # leaves the start method as it is
    for hook in ("report", "untrained"):
        cfg.default_hooks.pop(hook, None)
    cfg.default_hooks.checkpoint = None
    return cfg


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


def check_schedule(cfg: Config) -> None:
    """Refuse an annealing that does not end with the run: its length was changed in one place only.

    Raises:
        ConfigError: It does not.
    """
    epochs = setting_at(cfg._cfg_dict, "train_cfg.max_epochs")
    for scheduler in schedulers_of(cfg):
        end = scheduler.get("begin", 0) + scheduler.get("T_max", 0)
        if "T_max" in scheduler and epochs not in (None, end):
            raise ConfigError(
                "param_scheduler",
                f"the {scheduler['type']} ends at epoch {end} (begin + T_max), the run at train_cfg.max_epochs",
                found=epochs,
                remedy="change both; --cfg-options train_cfg.max_epochs=... alone stretches the schedule by itself",
            )


def _check_whitening(cfg: Config) -> None:
    """A pre-training whose whitening nobody fits would end without it, silently."""
    if cfg.model.type != "SSAL" or not setting_at(cfg._cfg_dict, "model.backbone.whitening"):
        return
    hooks = [*cfg.get("default_hooks", {}).values(), *(cfg.get("custom_hooks") or [])]
    if not any(hook and hook.get("type") == "WhiteningHook" for hook in hooks):
        raise ConfigError(
            "model.backbone.whitening",
            "no hook fits it",
            found=cfg.model.backbone.whitening.to_dict(),
            remedy="set default_hooks.whitening=dict(type='WhiteningHook'), or take the whitening out",
        )


def check_first_batch(cfg: Config, samples: int) -> None:
    """Refuse batches of which the training samples give none, or a last one of a single sample.

    Raises:
        ConfigError: They do.
    """
    loader = cfg.train_dataloader
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

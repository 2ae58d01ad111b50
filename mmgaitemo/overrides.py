"""Overrides of a config by dotted key, as from ``--cfg-options``: those without effect or sense are refused."""

from __future__ import annotations

import argparse
import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmgaitemo.errors import ConfigError

MMENGINE = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")  # its default hooks
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
    "unused_fold",
}


class Overrides(DictAction):
    """The argparse action of ``--cfg-options``: KEY=VALUE pairs to a dict."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        """Parse the pairs.

        Raises:
            ConfigError: A word is no pair, or its brackets do not match.
        """
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError):
            raise ConfigError(
                "--cfg-options",
                "needs KEY=VALUE, with matching brackets",
                found=" ".join(values),
                remedy='write for example fold=1 model.backbone.graph.channels="(8,16)"',
            ) from None


def setting_at(settings: Any, key: str) -> Any:
    """What a config holds at a dotted key; None where it holds nothing."""
    for name in key.split("."):
        if isinstance(settings, (list, tuple)) and name.isdigit() and int(name) < len(settings):
            settings = settings[int(name)]
        else:
            settings = settings.get(name) if isinstance(settings, Mapping) else None
    return settings


def apply_overrides(cfg: Config, options: Mapping[str, Any]) -> None:
    """Change a config; where the length of the run is changed alone, its schedule is stretched to it.

    Raises:
        ConfigError: A key has no effect, does not fit the config, or is a switch that is given text.
    """
    for option, value in options.items():
        _check(cfg, option, value)
    planned = setting_at(cfg._cfg_dict, "train_cfg.max_epochs")
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, IndexError) as error:
        raise ConfigError("--cfg-options", "cannot be merged", found=error, remedy="correct the key") from error
    epochs = options.get("train_cfg.max_epochs")
    if not type(epochs) is type(planned) is int or not 0 < planned != epochs:
        return
    if not any(option.split(".")[0] == "param_scheduler" for option in options):
        _stretch_schedule(cfg, planned, epochs)
    mining = setting_at(cfg._cfg_dict, "model.mining")
    if mining and not any(option.startswith("model.mining") for option in options):
        mining["begin"] = round(mining["begin"] * epochs / planned)


def _check(cfg: Config, option: str, value: Any) -> None:
    key = option.split(".")[0]
    if key not in EFFECTIVE:
        near = difflib.get_close_matches(key, sorted(EFFECTIVE), n=3)
        raise ConfigError(
            f"--cfg-options {option}",
            "has no effect: nothing reads this top-level key once the config is parsed",
            found=repr(key),
            remedy=f"did you mean one of {near}?" if near else "docs/configs.md lists the knobs",
        )
    hooks = [*cfg.get("default_hooks", {}), *MMENGINE]
    if value is None and key == "default_hooks" and option.count(".") == 1 and option.split(".")[1] not in hooks:
        raise ConfigError(
            f"--cfg-options {option}",
            "has no effect: there is no hook of this name to take out",
            found=repr(option.split(".")[1]),
            remedy=f"use one of {hooks}",
        )
    if isinstance(value, str) and isinstance(setting_at(cfg._cfg_dict, option), bool):  # any text counts as true
        raise ConfigError(
            f"--cfg-options {option}", "is a switch", found=repr(value), remedy=f"write {option}=True or {option}=False"
        )


def schedulers_of(cfg: Config) -> list[dict[str, Any]]:
    """The parameter schedulers of a config that count epochs."""
    entries = cfg.get("param_scheduler")
    entries = entries if isinstance(entries, list) else [entries]
    return [entry for entry in entries if isinstance(entry, dict) and "type" in entry and entry.get("by_epoch", True)]


def _stretch_schedule(cfg: Config, planned: int, epochs: int) -> None:
    """Scale begin, end and T_max of each scheduler to another length of the run, in whole epochs."""
    gone = []
    for scheduler in schedulers_of(cfg):
        old = scheduler.get("begin", 0)
        new = round(old * epochs / planned)
        if "end" in scheduler:
            scheduler["end"] = round(scheduler["end"] * epochs / planned)
        if "T_max" in scheduler:
            scheduler["T_max"] = round((old + scheduler["T_max"]) * epochs / planned) - new
        if "begin" in scheduler:
            scheduler["begin"] = new
        if scheduler.get("end", epochs) <= new:  # nothing is left of it, such as of the warm-up of a short trial
            gone.append(scheduler)
    if isinstance(cfg.get("param_scheduler"), list):
        cfg.param_scheduler = [entry for entry in cfg.param_scheduler if not any(entry is part for part in gone)]
    print_log(f"train_cfg.max_epochs is {epochs} instead of {planned}: param_scheduler is stretched to it", "current")

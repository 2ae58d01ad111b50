"""What a finished cell depends on, as a hash: as long as it does not change, the cell is not run again.

Configuration, data and the package's version count; paths, machines and the code's commit do not (the commit stands in
every cell, so that a reader sees which wrote it). A change of the code that changes results has to raise the version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from torch import Tensor

from mmgaitemo.config import ROLES
from mmgaitemo.datasets import gait_collate
from mmgaitemo.errors import ConfigError
from mmgaitemo.overrides import EFFECTIVE, setting_at
from mmgaitemo.registry import DATASETS
from mmgaitemo.version import __version__

TRAINING = ("model", "optim_wrapper", "param_scheduler", "train_cfg", "default_hooks")
# What MMEngine reads from a config and what decides no weights: evaluation, logs, places. ``fold`` and ``unused_fold``
# choose data, which have a hash of their own; the seed is the job's; ``load_from`` and ``resume`` are refused.
WITHOUT_EFFECT = {"default_scope", "env_cfg", "experiment_name", "fold", "launcher", "load_from", "log_level"}
WITHOUT_EFFECT |= {"log_processor", "randomness", "resume", "test_cfg", "test_dataloader", "test_evaluator"}
WITHOUT_EFFECT |= {"unused_fold", "val_cfg", "val_dataloader", "val_evaluator", "visualizer", "work_dir"}
FURTHER = EFFECTIVE - WITHOUT_EFFECT - {*TRAINING, "train_dataloader"}
HASH_LENGTH = 16


def digest(content: Any) -> str:
    """A short hash of what JSON can hold; tuples and lists are alike, as in a dumped config."""
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def training_settings(cfg: Config) -> dict[str, Any]:
    """What of a pre-training config decides the encoder, beside data and seed."""
    plain = cfg._cfg_dict.to_dict()
    chosen = {key: plain.get(key) for key in TRAINING}
    chosen["train_cfg"] = {key: value for key, value in plain["train_cfg"].items() if key != "val_interval"}
    chosen["default_hooks"] = {
        key: hook for key, hook in plain["default_hooks"].items() if key not in ("logger", "checkpoint", "report")
    }
    chosen["train_dataloader"] = {key: value for key, value in plain["train_dataloader"].items() if key != "dataset"}
    return chosen | further_settings(cfg)


def refuse_checkpoints(cfg: Config) -> None:
    """Refuse a config that starts from a checkpoint, of which no hash and no check of held-out walks would know.

    Raises:
        ConfigError: It does.
    """
    if started := [key for key in ("load_from", "resume") if cfg.get(key)]:
        raise ConfigError(
            f"{cfg.filename}, {started[0]}",
            "a study trains its encoders from the start",
            found=repr(cfg[started[0]]),
            remedy="leave it out",
        )


def further_settings(cfg: Config) -> dict[str, Any]:
    """Settings that few configs have, such as ``custom_hooks``: only those that are set."""
    plain = cfg._cfg_dict.to_dict()
    return {
        **{key: plain[key] for key in FURTHER if plain.get(key)},
        **{f"randomness.{key}": value for key, value in (plain.get("randomness") or {}).items() if key != "seed"},
    }


def encoder_settings(cfg: Config) -> dict[str, Any]:
    """What of a pre-training config decides its encoder as initialised, beside data and seed."""
    model = cfg.model.to_dict()
    initial = {"init_cfg": model["init_cfg"]} if model.get("init_cfg") else {}
    return {"backbone": model["backbone"], "stream": model["data_preprocessor"]["stream"], **initial}


def data_hash(datasets: Iterable[Any]) -> str:
    """Of what data sets deliver: prepared inputs, labels, ids and persons, in order."""
    total = hashlib.sha256(__version__.encode())
    for dataset in datasets:
        delivered = gait_collate(dataset.__getitems__(range(len(dataset))))
        for name in sorted(delivered):
            value = delivered[name]
            total.update(value.numpy().tobytes() if isinstance(value, Tensor) else "\n".join(value).encode())
        total.update("\n".join(dataset.groups).encode())
        if (walks := dataset.walks) != dataset.ids:
            total.update("\n".join(walks).encode())
    return total.hexdigest()[:HASH_LENGTH]


@dataclass(frozen=True)
class DataHashes:
    """Of a config's data sets, as hashes.

    Attributes:
        delivered: All that they deliver: to train on, to vote, to be evaluated on.
        bank: Whose answers a probe learns from: names, labels and persons, however they are prepared.
        held_out: Who is evaluated on: the same of those, and the names of the classes.
    """

    delivered: str
    bank: str
    held_out: str


def data_of(cfg: Config) -> DataHashes:
    """The hashes of a config's data sets."""
    datasets = {role: DATASETS.build(setting_at(cfg._cfg_dict, role)) for role in ROLES}
    known, held_out = (_who(datasets[role]) for role in ("val_cfg.bank", "val_dataloader.dataset"))
    classes = list(datasets["val_dataloader.dataset"].metainfo["classes"])
    return DataHashes(data_hash(datasets.values()), digest(known), digest([*held_out, classes]))


def _who(dataset: Any) -> list[list[Any]]:
    return [list(dataset.ids), dataset.labels.tolist(), list(dataset.groups)]

"""The first training step, rehearsed in a folder that is thrown away: what cannot work is found before a run exists."""

from __future__ import annotations

import copy
import tempfile
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.config import explained, preflight
from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.registry import DATASETS


class _FirstStepReachedError(Exception):
    """Ends the rehearsal."""


class _StopHook(Hook):
    """Raises after the first iteration, once all other hooks have had it."""

    priority = "LOWEST"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Stop."""
        raise _FirstStepReachedError


def rehearse(cfg: Config) -> None:
    """Build everything the run will build and train one step, writing nothing that stays.

    Raises:
        GaitError: What is wrong, and what to do.
    """
    _check_classes(cfg, preflight(cfg))
    _check_held_out(cfg)
    trial = copy.deepcopy(cfg)
    trial.update(log_level="ERROR", experiment_name="rehearsal", resume=False, load_from=None)
    trial.visualizer = dict(type="Visualizer")
    with tempfile.TemporaryDirectory() as folder:
        trial.work_dir = folder
        try:
            runner = Runner.from_cfg(trial)
            runner.register_hook(_StopHook())
            runner.train()
            raise ConfigError(
                "train_cfg.max_epochs",
                "the run would end before its first step",
                found=cfg.train_cfg.get("max_epochs"),
                remedy="set at least 1",
            )
        except _FirstStepReachedError:
            return
        except GaitError:
            raise
        except Exception as error:
            raise explained(error, cfg, "the first training step fails with these settings") from error


def _check_held_out(cfg: Config) -> None:
    if not cfg.get("val_dataloader"):
        return
    held_out = set(_ids(cfg.val_dataloader.dataset))
    parts = {"train_dataloader.dataset": cfg.train_dataloader.dataset, "val_cfg.bank": cfg.val_cfg.get("bank")}
    for key, dataset in parts.items():
        if dataset is not None and (shared := held_out & set(_ids(dataset))):
            raise ConfigError(
                key,
                "shares walks with val_dataloader.dataset, so the evaluation would read too high",
                found=f"{len(shared)} of {len(held_out)}, such as {sorted(shared)[:3]}",
                remedy="give all of them the same fold and split settings",
            )


def _ids(dataset: Any) -> list[str]:
    built = DATASETS.build(dataset)
    return [built[index]["id"] for index in range(len(built))]


def _check_classes(cfg: Config, model: Any) -> None:
    classes = DATASETS.build(cfg.train_dataloader.dataset).metainfo["classes"]
    heads = getattr(getattr(model, "head", None), "num_classes", len(classes))
    if heads != len(classes):
        raise ConfigError(
            "model.head.num_classes",
            f"the data set has {len(classes)} classes {tuple(classes)}",
            found=heads,
            remedy=f"set it to {len(classes)}",
        )

"""The first training step, rehearsed in a folder that is thrown away: what cannot work is found before a run exists."""

from __future__ import annotations

import copy
import tempfile
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.config import ROLES, Built, explained, preflight
from mmgaitemo.errors import ConfigError, DataError, GaitError
from mmgaitemo.models.data_preprocessor import check_in_channels
from mmgaitemo.samples import sample_ids, sample_labels


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


def rehearse(cfg: Config) -> Built:
    """Build everything the run will build and train one step, writing nothing that stays.

    Returns:
        The model and the data sets, as ``preflight`` built them; the step was another model's.

    Raises:
        GaitError: What is wrong, and what to do.
    """
    built = preflight(cfg)
    _check_classes(built)
    check_in_channels(built.model)
    check_held_out(built)
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
            return built
        except GaitError:
            raise
        except Exception as error:
            raise explained(error, cfg, "the first training step fails with these settings") from error


def check_held_out(built: Built) -> None:
    """Refuse an evaluation on walks without labels, or on walks that are trained on or vote.

    Raises:
        DataError: Held-out walks have no label.
        ConfigError: They are training walks too.
    """
    train, held_out, bank = map(built.datasets.get, ROLES)
    if held_out is None:
        return
    ids = sample_ids(held_out)
    if unlabelled := [name for name, label in zip(ids, sample_labels(held_out).tolist(), strict=True) if label < 0]:
        raise DataError(
            "val_dataloader.dataset",
            "walks without a label cannot be evaluated on",
            found=f"{len(unlabelled)} of {len(ids)}, such as {unlabelled[:3]}",
            remedy="leave the unlabelled source out of val_dataloader.dataset",
        )
    for role, dataset in ((ROLES[0], train), (ROLES[2], bank)):
        if dataset is not None and (shared := set(ids) & set(sample_ids(dataset))):
            raise ConfigError(
                role,
                "shares walks with val_dataloader.dataset, so the evaluation would read too high",
                found=f"{len(shared)} of {len(ids)}, such as {sorted(shared)[:3]}",
                remedy="give all of them the same fold and split settings",
            )


def _check_classes(built: Built) -> None:
    classes = built.datasets[ROLES[0]].metainfo["classes"]
    heads = getattr(getattr(built.model, "head", None), "num_classes", len(classes))
    if heads != len(classes):
        raise ConfigError(
            "model.head.num_classes",
            f"the data set has {len(classes)} classes {tuple(classes)}",
            found=heads,
            remedy=f"set it to {len(classes)}",
        )

"""Protocols: what is asked of an encoder, or of other fixed features, once it is there."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from typing import Protocol as Interface

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor

from mmgaitemo.config import check_first_batch, check_schedule, load_config, quiet
from mmgaitemo.conversion.json_file import is_number
from mmgaitemo.datasets.splits import nested_fraction
from mmgaitemo.errors import ConfigError
from mmgaitemo.evaluation.features import batches
from mmgaitemo.evaluation.knn import LEAST_TEMPERATURE, knn_scores
from mmgaitemo.evaluation.linear_probe import choose_strength, linear_probe
from mmgaitemo.overrides import setting_at
from mmgaitemo.registry import DATASETS
from mmgaitemo.study.identity import further_settings, refuse_checkpoints

# Of every fine-tuning of the project (configs/_base_/runtime.py and downstream/): only further ones are worth a hash.
COMMON_HOOKS = {"seed", "runtime_info", "labels", "safe_checkpoint", "logger", "checkpoint", "buffers", "report"}
COMMON_HOOKS |= {"untrained"}
MOST_CHOICES = 100  # of labelled persons: each is a probe, of seconds


@dataclass(frozen=True)
class Features:
    """What the protocols of a job share.

    Attributes:
        known: (B, D) features of the training walks.
        labels: (B,) their classes; -1 = unlabelled.
        ids: Names of the training walks.
        groups: Their persons.
        queries: (N, D) features of the held-out walks.
        num_classes: Classes.
        encoder: Checkpoint of the encoder; None where the features come from elsewhere.
        config: Of the pre-training: encoder and data sets.
        seed: Of the job.
    """

    known: Tensor
    labels: Tensor
    ids: Sequence[str]
    groups: Sequence[str]
    queries: Tensor
    num_classes: int
    encoder: str | None
    config: Config
    seed: int


class UnfitError(ValueError):
    """An argument of a protocol that makes no sense: which, what it needs, and what it is."""

    def __init__(self, key: str, needs: str, found: object) -> None:
        super().__init__(f"{key} needs {needs}, not {found!r}")
        self.key, self.needs, self.found = key, needs, found


def _check_count(key: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise UnfitError(key, "a whole number of at least 1", value)


def _check_fraction(value: Any) -> None:
    if not is_number(value) or not 0 < value <= 1:
        raise UnfitError("label_fraction", "a number above 0 and up to 1", value)


class Protocol(Interface):
    """Scores of the held-out walks from features, or from the encoder itself."""

    @property
    def draws(self) -> bool:
        """Whether the job's seed changes the scores of given features."""

    def settings(self) -> Any:
        """What identifies the protocol: finished cells are kept as long as it does not change."""

    def run(self, features: Features) -> tuple[np.ndarray, dict[str, Any]]:
        """(R, N, num_classes) scores, and what was chosen on the way (inside the labelled training walks).

        R answers for each held-out walk, which count alike: 1 but where labels of several choices of persons are used.
        """


@dataclass(frozen=True)
class KNN:
    """Weighted vote of the nearest training walks; see ``knn_scores``."""

    k: int = 20
    temperature: float = 0.1

    def __post_init__(self) -> None:
        """Raise ``UnfitError`` for what makes no sense."""
        _check_count("k", self.k)
        if not is_number(self.temperature) or not LEAST_TEMPERATURE <= self.temperature < math.inf:
            raise UnfitError("temperature", f"a number of at least {LEAST_TEMPERATURE:g}", self.temperature)

    @property
    def draws(self) -> bool:
        """See ``Protocol``."""
        return False

    def settings(self) -> Any:
        """See ``Protocol``."""
        return ["knn", self.k, self.temperature]

    def run(self, features: Features) -> tuple[np.ndarray, dict[str, Any]]:
        """See ``Protocol``."""
        scores = knn_scores(
            features.known, features.labels, features.queries, features.num_classes, self.k, self.temperature
        )
        return scores.double().numpy()[None], {}


@dataclass(frozen=True)
class LinearProbe:
    """Logistic regression on the frozen features, its strength chosen on left-out persons of the labelled walks.

    Attributes:
        label_fraction: Part of the labelled training walks, in (0, 1], per class; nested, drawn by the job's seed.
        persons: Use the labels of so many persons alone, of every choice of them in turn (of seven persons two: 21
            probes, whose answers count alike); None uses those of all.
    """

    label_fraction: float = 1.0
    persons: int | None = None

    def __post_init__(self) -> None:
        """Raise ``UnfitError`` for what makes no sense."""
        _check_fraction(self.label_fraction)
        if self.persons is not None:
            _check_count("persons", self.persons)

    @property
    def draws(self) -> bool:
        """See ``Protocol``."""
        return self.label_fraction < 1

    def settings(self) -> Any:
        """See ``Protocol``."""
        return ["linear", self.label_fraction, self.persons and f"every {self.persons}"]

    def run(self, features: Features) -> tuple[np.ndarray, dict[str, Any]]:
        """See ``Protocol``.

        Raises:
            ConfigError: There are not so many labelled persons, or too many choices of them.
        """
        scores, strengths, counts = [], [], []
        for labels in self._labels(features):
            chosen = nested_fraction(features.ids, labels.tolist(), self.label_fraction, features.seed)
            masked = torch.full_like(labels, -1)
            masked[chosen] = labels[chosen]
            strengths.append(choose_strength(features.known, masked, features.groups))
            scores.append(
                linear_probe(features.known, masked, features.queries, features.num_classes, strengths[-1]).numpy()
            )
            counts.append(int((masked >= 0).sum()))
        return np.stack(scores), {"C": strengths, "labels": counts}

    def _labels(self, features: Features) -> Iterator[Tensor]:
        if self.persons is None:
            yield features.labels
            return
        pairs = zip(features.groups, features.labels.tolist(), strict=True)
        labelled = sorted({person for person, label in pairs if label >= 0})
        choices = math.comb(len(labelled), self.persons)
        if not 1 <= choices <= MOST_CHOICES:
            raise ConfigError(
                "study.protocols, LinearProbe.persons",
                f"needs at least 1 and at most {MOST_CHOICES} choices of the persons with labels",
                found=f"{choices} choices of {self.persons} of {len(labelled)}",
                remedy="ask for fewer persons, or for a label_fraction of all of them",
            )
        for chosen in combinations(labelled, self.persons):
            kept = torch.tensor([person in chosen for person in features.groups])
            yield torch.where(kept, features.labels, -1)


@dataclass(frozen=True)
class FineTune:
    """Train encoder and classifier on the labelled walks, as a config says, to its last epoch.

    The encoder, its stream and the data are those of the method; views, optimiser and schedule the config's. On an
    untrained encoder this is supervised training from scratch.

    Attributes:
        config: Path of a config of a ``GaitClassifier``.
        label_fraction: Part of the labelled training walks, in (0, 1], per class; nested, drawn by the job's seed.
    """

    config: str
    label_fraction: float = 1.0

    def __post_init__(self) -> None:
        """Raise ``UnfitError`` or ``ConfigError`` for what makes no sense."""
        _check_fraction(self.label_fraction)
        cfg = load_config(self.config)
        refuse_checkpoints(cfg)
        check_schedule(cfg)
        if setting_at(cfg._cfg_dict, "model.type") != "GaitClassifier":
            raise UnfitError("config", "the path of a config of a GaitClassifier", self.config)

    @property
    def draws(self) -> bool:
        """See ``Protocol``."""
        return True

    def settings(self) -> Any:
        """See ``Protocol``."""
        cfg = load_config(self.config)
        plain = cfg._cfg_dict.to_dict()
        known = {key: plain[key] for key in ("model", "optim_wrapper", "param_scheduler", "train_cfg")}
        known["train_dataloader"] = {k: v for k, v in plain["train_dataloader"].items() if k != "dataset"}
        known |= further_settings(cfg)
        if hooks := {name: hook for name, hook in plain["default_hooks"].items() if name not in COMMON_HOOKS}:
            known["default_hooks"] = hooks
        return ["finetune", self.label_fraction, known]

    def run(self, features: Features) -> tuple[np.ndarray, dict[str, Any]]:
        """See ``Protocol``."""
        cfg = self._composed(features)
        with tempfile.TemporaryDirectory() as folder:
            cfg.work_dir = folder
            runner = Runner.from_cfg(quiet(cfg))
            runner.train()
        dataset = DATASETS.build({**features.config.val_dataloader.dataset, "fold": features.config.fold})
        return predict(runner.model, dataset)[None], {
            "labels": len(runner.train_dataloader.dataset),
            "steps": runner.iter,
        }

    def _composed(self, features: Features) -> Config:
        cfg, method = load_config(self.config), features.config
        cfg.randomness = dict(seed=features.seed)
        head = {**cfg.model.head, "num_classes": features.num_classes}
        cfg.model.update(backbone=method.model.backbone, head=head, encoder=features.encoder)
        for key in ("skeleton", "stream"):
            cfg.model.data_preprocessor[key] = method.model.data_preprocessor[key]
        bank = {**method.val_cfg.bank, "label_fraction": self.label_fraction, "label_seed": features.seed}
        cfg.train_dataloader.dataset = bank
        labelled = len(DATASETS.build(bank))
        cfg.train_dataloader.batch_size = min(cfg.train_dataloader.batch_size, labelled)
        check_first_batch(cfg, labelled)
        return cfg


@torch.no_grad()
def predict(model: BaseModel, dataset: Any) -> np.ndarray:
    """(N, classes) probabilities of a ``GaitClassifier`` for a data set, in its order."""
    model.eval()
    scores = [model(batch["inputs"], mode="tensor").float().softmax(1) for batch in batches(model, dataset)]
    return torch.cat(scores).double().cpu().numpy()


PROTOCOLS: dict[str, type] = {kind.__name__: kind for kind in (KNN, LinearProbe, FineTune)}

"""The kNN probe as the validation and test loop of pre-training."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import get_dist_info
from mmengine.evaluator import Evaluator
from mmengine.runner import BaseLoop, Runner
from torch import Tensor
from torch.utils.data import DataLoader

from mmgaitemo.engine.contrast_hooks import unwrap
from mmgaitemo.errors import ConfigError
from mmgaitemo.evaluation import knn_probe, prepare_untrained
from mmgaitemo.evaluation.knn import check_temperature
from mmgaitemo.models.initial import initialise
from mmgaitemo.registry import DATASETS, LOOPS, MODELS
from mmgaitemo.samples import sample_labels


@LOOPS.register_module()
class KNNProbeLoop(BaseLoop):
    """Classify walks by their nearest neighbours among the training walks, in the space of the query encoder.

    Beside the trained encoder's metrics stand those of the same probe on an untrained encoder of the same
    architecture (BatchNorm statistics taken from the training walks) and the accuracy of always answering the most
    frequent training class. Nothing is trained and nothing is selected.

    Args:
        runner: The runner.
        dataloader: Of the walks to classify.
        evaluator: Config of the metric.
        bank: Config of the data set of labelled training walks.
        k: Voters.
        temperature: Of the votes' weights.

    Raises:
        ConfigError: ``k`` is less than 1, ``temperature`` not positive, or no walk of the bank has a label.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        evaluator: Evaluator | dict | list,
        bank: dict,
        k: int = 20,
        temperature: float = 0.1,
    ) -> None:
        super().__init__(runner, dataloader)
        self.evaluator = evaluator if isinstance(evaluator, Evaluator) else runner.build_evaluator(evaluator)
        self.evaluator.dataset_meta = self.dataset.metainfo
        self.bank: Any = DATASETS.build(bank)
        if k < 1:
            raise ConfigError("val_cfg.k", "needs at least one neighbour", found=k, remedy="20 is usual")
        check_temperature("val_cfg.temperature", temperature)
        self.bank_labels = sample_labels(self.bank)
        if (self.bank_labels < 0).all():
            raise ConfigError(
                "val_cfg.bank",
                "no walk has a label, so no neighbour can vote",
                found=f"{len(self.bank_labels)} walks",
                remedy="give this data set a source with labels",
            )
        self.k = k
        self.temperature = temperature
        self._references: dict[str, float] | None = None

    @property
    def dataset(self) -> Any:
        """The data set of the walks to classify."""
        return self.dataloader.dataset

    def run(self) -> dict[str, float]:
        """Probe the runner's model; the references come along as ``untrained_accuracy`` and ``majority_accuracy``."""
        self.runner.call_hook("before_val")
        self.runner.call_hook("before_val_epoch")
        labels, ids, scores = self._probe(unwrap(self.runner.model))
        share = self._share_of_rank(len(ids))
        self.evaluator.process([{"id": ids[i], "label": int(labels[i]), "scores": scores[i]} for i in share])
        metrics: dict[str, float] = self.evaluator.evaluate(len(ids))
        if self._references is None:
            self._references = self._probe_references()
        metrics.update(self._references)
        self.runner.call_hook("after_val_epoch", metrics=metrics)
        self.runner.call_hook("after_val")
        return metrics

    def _probe(self, model: Any) -> tuple[Tensor, list[str], Tensor]:
        classes = len(self.dataset.metainfo["classes"])
        return knn_probe(model, self.bank, self.dataset, classes, self.k, self.temperature)

    @staticmethod
    def _share_of_rank(samples: int) -> list[int]:
        # Every rank has all scores; the evaluator gathers equal shares of all ranks, interleaved, and cuts the padding.
        rank, world = get_dist_info()
        return [index % samples for index in range(rank, -(-samples // world) * world, world)]

    def _probe_references(self) -> dict[str, float]:
        # A fresh model from the run's seed; the run's own random state is left as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.runner.seed)
            untrained = MODELS.build(self.runner.cfg.model)
            initialise(untrained)
        untrained.to(next(unwrap(self.runner.model).parameters()).device)
        prepare_untrained(untrained, self.bank)
        labels, _, scores = self._probe(untrained)
        majority = self.bank_labels[self.bank_labels >= 0].mode().values
        return {
            "untrained_accuracy": float((scores.argmax(1) == labels).float().mean()),
            "majority_accuracy": float((labels == majority).float().mean()),
        }

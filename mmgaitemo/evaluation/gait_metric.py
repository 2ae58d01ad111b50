"""What a classifier of walks is worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from mmgaitemo.errors import DataError, TrainingError
from mmgaitemo.evaluation.scores import classification_metrics
from mmgaitemo.files import unfinished
from mmgaitemo.registry import METRICS
from mmgaitemo.visualization import draw_confusion


@METRICS.register_module()
class GaitMetric(BaseMetric):
    """Accuracy, balanced accuracy, macro-F1, a table per class and, on request, the scores and a confusion picture.

    Expects one dict per sample: ``id``, ``label`` (class index) and ``scores`` (one number per class). All numbers
    are shares in [0, 1]; F1 of a class nobody predicts is 0.

    Args:
        out: JSON file for the scores, keyed by sample id.
        confusion: PNG file for the confusion picture.
        prefix: Put before the names of the metrics.
    """

    def __init__(self, out: str | None = None, confusion: str | None = None, prefix: str | None = None) -> None:
        super().__init__(prefix="none")  # MMEngine warns of a metric without a prefix; ours may have none
        self.prefix = prefix
        self.out = out
        self.confusion = confusion

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Collect one batch.

        Raises:
            DataError: A sample has no label.
            TrainingError: A score is not finite: the model is broken, and no class has won.
        """
        if broken := [str(sample["id"]) for sample in data_samples if not np.isfinite(sample["scores"]).all()]:
            raise TrainingError(
                f"walks {broken[:5]}",
                "the model gives scores that are no finite numbers",
                found=f"{len(broken)} of {len(data_samples)} walks of this batch",
                remedy="look at these walks, or train anew with a lower learning rate",
            )
        for sample in data_samples:
            if sample["label"] < 0:
                raise DataError(
                    str(sample["id"]), "cannot be scored without a label", remedy="evaluate on a labelled split"
                )
            self.results.append({**sample, "scores": np.asarray(sample["scores"], dtype=np.float64)})

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score all samples and write what was asked for."""
        truth = np.array([sample["label"] for sample in results])
        scores = np.stack([sample["scores"] for sample in results])
        predicted = scores.argmax(1)
        every = list(range(scores.shape[1]))
        meta = self.dataset_meta or {}
        classes = list(meta.get("classes", every))
        precision, recall, f1, support = precision_recall_fscore_support(
            truth, predicted, labels=every, zero_division=0
        )
        rows = [f"{'class':<12}{'precision':>10}{'recall':>10}{'F1':>10}{'walks':>8}"]
        rows += [
            f"{classes[c]!s:<12}{precision[c]:>10.3f}{recall[c]:>10.3f}{f1[c]:>10.3f}{int(support[c]):>8d}"
            for c in every
        ]
        note = str(meta.get("class_note", ""))
        print_log("\n" + "\n".join([*rows, note]).rstrip(), logger="current")
        if self.confusion:
            matrix = confusion_matrix(truth, predicted, labels=every)
            draw_confusion(
                self.confusion,
                matrix,
                [str(name) for name in classes],
                title=f"{len(results)} walks, accuracy {accuracy_score(truth, predicted):.3f}",
                note=note,
            )
        if self.out:
            self._write_scores(results, [str(name) for name in classes])
        return classification_metrics(truth, scores)

    def _write_scores(self, results: list[dict[str, Any]], classes: list[str]) -> None:
        samples = {
            str(sample["id"]): {
                "label": int(sample["label"]),
                "prediction": int(sample["scores"].argmax()),
                "scores": sample["scores"].tolist(),
            }
            for sample in results
        }
        content = {
            "classes": classes,
            "class_note": (self.dataset_meta or {}).get("class_note", ""),
            "samples": samples,
        }
        path = Path(self.out or "")
        with unfinished(path) as partial:
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
        print_log(f"scores of {len(samples)} walks: {path}", logger="current")

"""The sections of a run's report: what was run, how it went, what the model gets wrong, what it was shown."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import torch
from mmengine.runner import Runner
from sklearn.metrics import confusion_matrix

from mmgaitemo.benchmark.machine import describe
from mmgaitemo.evaluation import extract_features, knn_scores
from mmgaitemo.registry import MODELS
from mmgaitemo.samples import sample_ids
from mmgaitemo.skeleton import Skeleton
from mmgaitemo.version import __version__
from mmgaitemo.visualization import draw_confusion, draw_curves, draw_embedding
from mmgaitemo.visualization.browse_sources import views_of
from mmgaitemo.visualization.run_report import Html, facts, folded, missing, paragraph, picture, table, viewer
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet

PROBE = "knn/accuracy"
REFERENCES = {"untrained_accuracy": "untrained", "majority_accuracy": "majority class"}
SHOWN = 8  # walks of a viewer


@dataclass(frozen=True)
class HeldOut:
    """What the trained model makes of the N held-out walks.

    Attributes:
        features: (N, D).
        labels: (N,) class ids.
        scores: (N, C) probabilities: of the classifier, or the votes of the nearest training walks.
        ids: N names.
    """

    features: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    ids: list[str]


class RunSections:
    """Makes the sections of a finished run's report, and their pictures beside it.

    Args:
        runner: The run; its model has been trained.
        model: That model, unwrapped.
        curves: Every logged quantity: name -> (epochs, values).
        seconds: How long this process trained.
        first: Epoch that it began with; more than 0 where it went on with an interrupted run.
    """

    def __init__(
        self,
        runner: Runner,
        model: Any,
        curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
        seconds: float,
        first: int,
    ) -> None:
        self.runner, self.model, self.curves, self.seconds, self.first = runner, model, curves, seconds, first
        self.folder = Path(runner.work_dir)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of every score."""
        return {name: float(y[-1]) for name, (_, y) in self.curves.items() if "accuracy" in name or "f1" in name}

    def make(self) -> dict[str, Html]:
        """Heading -> section. A section that fails says so, on the page and in the log; the others are made."""
        makers: dict[str, Callable[[], Html | None]] = {
            "Run": self._run,
            "Accuracies": self._accuracies,
            "Curves": self._curves,
            "Confusion": self._confusion,
            "Worst mistakes": self._mistakes,
            "Embedding": self._embedding,
            "Sample views": self._views,
            "Config as used": self._config,
        }
        sections = {}
        for heading, maker in makers.items():
            try:
                section = maker()
            except Exception as error:  # a picture is not worth a run
                self.runner.logger.log(logging.ERROR, f"the report lacks {heading!r}: {error!r}", exc_info=True)
                section = missing(f"This section could not be made; the log has the whole error. {error!r}")
            if section is not None:
                sections[heading] = section
        return sections

    @cached_property
    def _held_out(self) -> HeldOut | None:
        """None where no labelled walks are held out."""
        loop = self.runner.val_loop
        if loop is None:
            return None
        dataset = loop.dataloader.dataset
        features, labels, ids = extract_features(self.model, dataset)
        if hasattr(loop, "bank"):
            bank, known, _ = extract_features(self.model, loop.bank)
            scores = knn_scores(bank, known, features, len(self._classes), loop.k, loop.temperature)
        else:
            with torch.no_grad():
                head = self.model.head
                scores = head(features.to(next(head.parameters()).device)).float().softmax(1).cpu()
        return HeldOut(features.numpy(), labels.numpy(), scores.numpy(), ids)

    @property
    def _meta(self) -> dict[str, Any]:
        return self.runner.train_dataloader.dataset.metainfo

    @property
    def _classes(self) -> list[str]:
        return [str(name) for name in self._meta["classes"]]

    @property
    def _note(self) -> str:
        return str(self._meta.get("class_note", ""))

    @property
    def _skeleton(self) -> Skeleton:
        return self.model.data_preprocessor.skeleton

    def _run(self) -> Html:
        runner, parts = self.runner, {}
        loaders = {"Trained on": runner.train_dataloader, "Held out": runner.val_loop and runner.val_loop.dataloader}
        for part, loader in loaders.items():
            if loader is not None:
                groups = getattr(loader.dataset, "groups", None)
                walks = f"{len(loader.dataset)} walks"
                parts[part] = walks if groups is None else f"{walks} of {len(set(groups))} persons or groups"
        device = next(self.model.parameters()).device
        machine = describe(device)
        return facts(
            {
                "Config": runner.cfg.filename and Path(runner.cfg.filename).name,
                "Method": f"{type(self.model).__name__}, encoder {type(self.model.backbone).__name__}",
                "Data": self._meta.get("dataset_type"),
                "Fold held out": getattr(runner.train_dataloader.dataset, "fold", None),
                **parts,
                "Length": f"{runner.max_epochs} epochs, {runner.max_iters} steps",
                "Seed": runner.seed,
                "Duration": self._duration(),
                "Machine": f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads; "
                f"device {machine['device']}",
                "Software": f"mmgaitemo {__version__}, torch {torch.__version__}, mmengine {mmengine.__version__}, "
                f"Python {platform.python_version()}",
                "Finished": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
                "Folder": self.folder,
            }
        )

    def _duration(self) -> str:
        if self.first == self.runner.max_epochs:
            return "not known: the run was complete before, and this page alone was made again"
        resumed = f", from epoch {self.first + 1} on, where the run was resumed" if self.first else ""
        return duration(self.seconds) + resumed

    def _accuracies(self) -> Html | None:
        if not self.metrics:
            return None
        rows = [(name, f"{value:.3f}") for name, value in self.metrics.items()]
        found = table(("score of the last evaluation", "value"), rows)
        if self._held_out is None:
            return found
        count = len(self._held_out.ids)
        note = f"{count} walks are held out: one walk is {100 / count:.1f} points of accuracy."
        if PROBE in self.metrics:
            note += " untrained_accuracy is the same probe of the encoder before training, majority_accuracy that of "
            note += "always answering the most frequent class."
        return Html(found + paragraph(note))

    def _curves(self) -> Html | None:
        references = {REFERENCES[name]: self.metrics[name] for name in REFERENCES if name in self.metrics}
        probes = set(self.metrics) - {PROBE, "accuracy"}
        shown = {name: curve for name, curve in self.curves.items() if name not in probes}
        if not shown:  # a run shorter than the logging interval has no curve
            return None
        path = draw_curves(
            self.folder / "curves.png",
            shown,
            xlabel="epoch",
            title=f"{self.folder.name}: losses, schedules and probes",
            smooth=[name for name in shown if "loss" in name or name == "top1"],
            references={PROBE: references} if PROBE in shown else None,
        )
        return picture(path, f"Curves of {', '.join(shown)}")

    def _confusion(self) -> Html | None:
        held_out = self._held_out
        if held_out is None:
            return None
        said = held_out.scores.argmax(1)
        right = int((said == held_out.labels).sum())
        path = draw_confusion(
            self.folder / "confusion.png",
            confusion_matrix(held_out.labels, said, labels=range(len(self._classes))),
            self._classes,
            title=f"{len(said)} held-out walks, accuracy {right / len(said):.3f}",
            note=self._note,
        )
        return picture(path, "Confusion matrix: rows are the truth, columns what the model says")

    def _mistakes(self) -> Html | None:
        held_out, classes = self._held_out, self._classes
        if held_out is None:
            return None
        said, every = held_out.scores.argmax(1), np.arange(len(held_out.labels))
        excess = held_out.scores[every, said] - held_out.scores[every, held_out.labels]
        worst = [place for place in np.argsort(-excess, kind="stable") if said[place] != held_out.labels[place]][:SHOWN]
        if not worst:
            return paragraph("There are none: every held-out walk is classified as it is labelled.")
        dataset = self.runner.val_loop.dataloader.dataset
        walks = []
        for place in worst:
            truth, taken = held_out.labels[place], said[place]
            chances = [f"{100 * held_out.scores[place, c]:.0f} %" for c in (taken, truth)]
            label = f"{classes[truth]}, taken for {classes[taken]} ({chances[0]} against {chances[1]})"
            view = dataset[int(place)]["inputs"].permute(1, 2, 0).numpy()
            walks.append(ShownWalk(held_out.ids[place], {"as the network sees it": view}, label))
        title = f"The {len(worst)} walks whose wrong class is farthest ahead of the right one"
        shown = viewer(WalkSet(title, self._skeleton, tuple(walks), class_note=self._note))
        return Html(paragraph("Choose a walk, press play, drag to turn it.") + shown)

    def _embedding(self) -> Html | None:
        held_out = self._held_out
        if held_out is None:
            return None
        path = draw_embedding(
            self.folder / "embedding.png",
            held_out.features,
            held_out.labels,
            self._classes,
            title="Held-out walks in the space of the trained encoder",
        )
        return picture(path, "Features of the held-out walks in the plane, coloured by class")

    def _views(self) -> Html | None:
        settings = self.runner.cfg.model.data_preprocessor
        if not settings.get("views"):
            return None
        # A preprocessor of its own: that of the model may derive bones or motions, which are no positions to draw.
        preprocessor = MODELS.build({**settings, "stream": "joint"})
        dataset = self.runner.train_dataloader.dataset
        count, ids = min(SHOWN, len(dataset)), sample_ids(dataset)
        chosen = np.sort(np.random.default_rng(self.runner.seed).choice(len(dataset), count, replace=False)).tolist()
        walks = tuple(shown_views(dataset, preprocessor, index, ids[index], self.runner.seed) for index in chosen)
        title = f"Views that training draws of {count} of the {len(dataset)} training walks"
        return viewer(WalkSet(title, self._skeleton, walks, class_note=self._note))

    def _config(self) -> Html:
        return folded("The whole config, with all overrides", self.runner.cfg.pretty_text)


def shown_views(dataset: Any, preprocessor: Any, index: int, name: str, seed: int) -> ShownWalk:
    """A walk of a data set with the views that ``seed`` draws of it."""
    label = int(dataset[index]["label"])
    views = views_of(dataset, preprocessor, index, seed)
    return ShownWalk(name, views, dataset.metainfo["classes"][label] if label >= 0 else None)


def duration(seconds: float) -> str:
    """``1 h 2 min``, ``2 min 3 s`` or ``4.5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

"""All pictures of a study's report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mmgaitemo.statistics.cell_lines import End
from mmgaitemo.statistics.study_files import StudyResult
from mmgaitemo.statistics.summary import Summary, confusion, majority
from mmgaitemo.visualization.confusion_plot import draw_confusion
from mmgaitemo.visualization.study_curves import draw_study_curves
from mmgaitemo.visualization.study_dots import Dots, draw_dots
from mmgaitemo.visualization.study_shares import draw_shares

_SHARE = re.compile(r"(linear|finetune)_(\d+)")  # knn_20 is no share of labels
_PANELS = {"linear": "linear probe", "finetune": "fine-tuned"}  # where the study has no such protocol with all labels
_FULL = 100


def draw_study(summary: Summary, folder: Path) -> dict[str, Path]:
    """Draw what the study's cells give, and find its embeddings.

    Args:
        summary: Of the study.
        folder: Where the PNG files go.

    Returns:
        What each picture shows -> its file.
    """
    study, note = summary.study, _note(summary.study)
    dots = _dots(summary)
    pictures: dict[str, Path] = {}
    whole = [name for name in study.protocols if not _SHARE.fullmatch(name)]
    panels = {
        study.protocols[name]: rows for name in whole if (rows := {m: d for (m, p), d in dots.items() if p == name})
    }
    shares = _shares(study, dots)
    if panels:
        named = {title: {study.methods[m]: d for m, d in rows.items()} for title, rows in panels.items()}
        what = "Accuracy of all methods by protocol"
        elsewhere = "With a part of the labels: label_shares.png" if shares else ""
        pictures[f"{what}. {elsewhere}" if elsewhere else what] = draw_dots(
            folder / "methods.png",
            named,
            [*study.methods.values()],
            study.methods[study.reference],
            majority(study),
            what,
            f"{note}. {elsewhere}" if elsewhere else note,
        )
    if shares:
        what = "Accuracy against share of labels"
        pictures[what] = draw_shares(
            folder / "label_shares.png", shares, [*study.methods.values()], majority(study), what, note
        )
    pictures |= _confusions(study, folder) | _curves(study, folder)
    for path in sorted((study.folder / "work").glob("**/embedding.png")):
        pictures[f"Embedding of {path.parent.relative_to(study.folder / 'work')}"] = path
    return pictures


def _note(study: StudyResult) -> str:
    return f"{study.title}. {study.note}"


def _dots(summary: Summary) -> dict[End, Dots]:
    found = {}
    for row in summary.rows:
        score, runs = row.scores["accuracy"], summary.study.cells[row.end]
        folds = [
            float(np.mean([cell.metrics["accuracy"] for run, cell in runs.items() if run[0] == fold]))
            for fold in sorted({run[0] for run in runs})
        ]
        found[row.end] = Dots(score.mean, score.low, score.high, folds, row.seeds, row.end not in summary.missing)
    return found


def _shares(study: StudyResult, dots: dict[End, Dots]) -> dict[str, dict[str, dict[float, Dots]]]:
    """Panels of ``draw_shares``; empty where no protocol takes a part of the labels."""
    panels: dict[str, dict[str, dict[float, Dots]]] = {}
    bases = {match[1] for name in study.protocols if (match := _SHARE.fullmatch(name))}
    for (method, protocol), score in dots.items():
        match = _SHARE.fullmatch(protocol)
        base, share = (match[1], float(match[2])) if match else (protocol, float(_FULL))
        if base in bases:
            lines = panels.setdefault(study.protocols.get(base, _PANELS[base]), {})
            lines.setdefault(study.methods[method], {})[share] = score
    return panels


def _confusions(study: StudyResult, folder: Path) -> dict[str, Path]:
    """A matrix for each method, by the study's first protocol that it has."""
    pictures = {}
    for method, title in study.methods.items():
        ends = [(method, protocol) for protocol in study.protocols if (method, protocol) in study.cells]
        if ends:
            shown = f"{title}, {study.protocols[ends[0][1]]}"
            folds, seeds = ({run[place] for run in study.cells[ends[0]]} for place in (0, 2))
            walks = f"Walks of {len(folds)} fold{'s' if len(folds) > 1 else ''}"
            classes = f" Classes: {study.class_note}." if study.class_note else ""
            walks += ", mean over seeds, rounded" if len(seeds) > 1 else ""
            pictures[f"Confusion of {shown}"] = draw_confusion(
                folder / f"confusion_{method}.png",
                confusion(study, ends[0]),
                study.classes,
                title=shown,
                note=f"{_note(study)}. {walks}.{classes}",
            )
    return pictures


def _curves(study: StudyResult, folder: Path) -> dict[str, Path]:
    pictures = {}
    for key, file, what, axes in (
        ("curve", "loss.png", "Loss of pre-training", ("optimiser step", "loss")),
        ("knn_curve", "knn.png", "kNN accuracy during pre-training", ("epoch", "accuracy")),
    ):
        curves = {title: _nonempty(study, method, key) for method, title in study.methods.items()}
        if curves := {title: runs for title, runs in curves.items() if runs}:
            pictures[what] = draw_study_curves(folder / file, curves, *axes, what, _note(study))
    return pictures


def _nonempty(study: StudyResult, method: str, key: str) -> list[np.ndarray]:
    runs: Iterable[np.ndarray] = (getattr(run, key) for run in study.pretrainings if run.method == method)
    return [run for run in runs if len(run)]

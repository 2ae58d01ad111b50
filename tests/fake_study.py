"""A made-up study on disk, with known differences between its methods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = ["angry", "happy", "neutral", "sad"]
FOLDS, SEEDS = 5, 3
SIZES = (76, 68, 64, 67, 67)
# Accuracy by protocol that the cells scatter around.
LEVELS: dict[str, dict[str, float]] = {
    "untrained": {"knn": 0.42, "linear": 0.45, "linear_1": 0.30, "linear_10": 0.36, "linear_20": 0.40},
    "ssal": {"knn": 0.53, "linear": 0.60, "linear_1": 0.38, "linear_10": 0.48, "linear_20": 0.53},
    "handmade": {"linear": 0.61, "linear_1": 0.33, "linear_10": 0.46, "linear_20": 0.55},
}
TITLES = {"untrained": "untrained encoder", "ssal": "SSAL", "handmade": "hand-made features"}
PROTOCOLS = {
    "knn": "kNN",
    "linear": "linear probe",
    "linear_1": "linear probe, 1 % of the labels",
    "linear_10": "linear probe, 10 % of the labels",
    "linear_20": "linear probe, 20 % of the labels",
}


def about(**changes: Any) -> dict[str, Any]:
    """The content of study.json."""
    protocols = changes.get("protocols", PROTOCOLS)
    return {
        "study": "fake",
        "title": "SSAL against its untrained encoder",
        "data": "Made-up walks (342 of none)",
        "classes": CLASSES,
        "purpose": "test",
        "methods": TITLES,
        "protocols": PROTOCOLS,
        "applies": {method: [name for name in protocols if name in own] for method, own in LEVELS.items()},
        "once": {"handmade": [name for name in protocols if name in LEVELS["handmade"]]},
        "reference": "untrained",
        "splits": [f"fold{fold}" for fold in range(FOLDS)],
        "seeds": list(range(SEEDS)),
        "machine": "a pocket calculator",
        "comparisons": [["ssal/linear_20", "untrained/linear"], ["ssal/linear", "handmade/linear"]],
        **changes,
    }


def lines(levels: dict[str, dict[str, float]] = LEVELS, unseeded: tuple[str, ...] = ("handmade",)) -> list[dict]:
    """All cells. A walk is difficult for every method, a fold is too, and a seed moves each cell by itself."""
    rng = np.random.default_rng(7)
    cells: list[dict] = []
    for fold, size in enumerate(SIZES):
        truth = rng.choice(4, size=size, p=(0.2, 0.35, 0.25, 0.2))
        difficulty, mood = rng.normal(size=size), 0.03 * rng.normal()
        for method, protocols in levels.items():
            for seed in range(1 if method in unseeded else SEEDS):
                if method.startswith("ssal"):
                    cells.append({**_common(method, fold, seed), **_pretraining(rng)})
                for protocol, level in protocols.items():
                    right = round(size * (level + mood + 0.02 * rng.normal()))
                    order = np.argsort(difficulty + 0.7 * rng.normal(size=size))
                    said = truth.copy()
                    said[order[right:]] = (said[order[right:]] + rng.choice((1, 1, 3), size=size - right)) % 4
                    persons = {"groups": [f"{fold}.{walk}" for walk in range(size)]}
                    cells.append({**_common(method, fold, seed), **_scored(protocol, truth, said), **persons})
    return cells


def _common(method: str, fold: int, seed: int) -> dict[str, Any]:
    identity = {
        "hash": f"{method}{fold}{seed}",
        "version": "0.1.0",
        "commit": "abc1234",
        "date": "2026-11-21",
        "data_hash": str(fold),
    }
    return {"method": method, "fold": fold, "unused_fold": None, "seed": seed, "seconds": 1.5, **identity}


def _scored(protocol: str, truth: np.ndarray, said: np.ndarray) -> dict[str, Any]:
    accuracy = float(np.mean(truth == said))
    recall = float(np.mean([np.mean(said[truth == c] == c) for c in range(4)]))
    metrics = {"accuracy": accuracy, "balanced_accuracy": recall, "macro_f1": recall - 0.01, "log_loss": 2 - accuracy}
    metrics = {key: round(value, 5) for key, value in metrics.items()}
    said_of = {"truth": truth.tolist(), "predictions": said.tolist()}
    return {"protocol": protocol, "metrics": metrics, "training_walks": sum(SIZES) - len(truth), **said_of}


def _pretraining(rng: np.random.Generator) -> dict[str, Any]:
    steps = np.arange(0, 800, 20)
    loss = 5.5 - 1.5 * (1 - np.exp(-steps / 200)) + 0.1 * rng.normal(size=len(steps))
    accuracy = 0.53 - 0.12 * np.exp(-np.arange(10) / 3) + 0.02 * rng.normal(size=10)
    curves = {"curve": np.stack([steps, loss], 1).tolist(), "knn_curve": [[i * 20, a] for i, a in enumerate(accuracy)]}
    return {"protocol": "pretrain", "steps": 800, **curves}


def write(folder: Path, cells: list[dict] | None = None, **changes: Any) -> Path:
    """The files of a study; ``changes`` are of study.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.json").write_text(json.dumps(about(**changes)), encoding="utf-8")
    rows = lines() if cells is None else cells
    (folder / "cells.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder

"""The lines of cells.jsonl: what one cell of a study gave, strictly checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmgaitemo.conversion.json_file import is_number

PRETRAIN = "pretrain"  # the protocol of a line about an encoder
MOST_CLASSES = 1000  # of a line whose study is not known
IMPOSSIBLE = (KeyError, TypeError, ValueError, ArithmeticError)  # what reading a damaged line raises
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log loss",
}
End = tuple[str, str]  # method, protocol
Run = tuple[int, int | None, int]  # fold, unused fold, seed


def order(run: Run) -> tuple[int, int, int]:
    """Sorts runs by fold, unused fold and seed."""
    return run[0], -1 if run[1] is None else run[1], run[2]


@dataclass(frozen=True)
class Cell:
    """What one method, protocol, split and seed gave.

    Attributes:
        metrics: By key of ``METRICS``; those that the protocol has not are absent.
        truth: (N,) classes of the held-out walks.
        votes: (N, K) share of the method's answers that named each class; a protocol may ask several times.
        groups: (N,) persons, as codes.
        training_walks: How many labelled walks of other folds there were; a protocol may have used fewer labels.
    """

    version: str
    commit: str
    data_hash: str
    metrics: dict[str, float]
    truth: np.ndarray
    votes: np.ndarray
    groups: tuple[str, ...]
    training_walks: int

    @property
    def correct(self) -> np.ndarray:
        """(N,) share of the answers that are right: 0 or 1 where there is one."""
        return self.votes[np.arange(len(self.truth)), self.truth]


@dataclass(frozen=True)
class Pretraining:
    """How one encoder was trained: (n, 2) of step and loss, (m, 2) of epoch and kNN accuracy, m >= 0."""

    method: str
    curve: np.ndarray
    knn_curve: np.ndarray


class NotFiniteError(ValueError):
    """A number of a line is NaN or infinite."""


def problem(error: Exception) -> str:
    """What is wrong with a line, from one of ``IMPOSSIBLE``."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def run_of(line: Mapping[str, Any]) -> Run:
    """Fold, unused fold and seed of a line."""
    unused = line["unused_fold"]
    return count(line["fold"]), None if unused is None else count(unused), count(line["seed"])


def read_cell(line: Mapping[str, Any], classes: int) -> Cell:
    """The cell of a line.

    Args:
        line: As the study wrote it.
        classes: How many the study has.

    Raises:
        KeyError: A key is missing.
        TypeError: A value is of another kind.
        ValueError: A value cannot be, or contradicts another.
        ArithmeticError: A number is too large.
    """
    truth, votes = _labels(line["truth"], "truth", classes), _votes(line, classes)
    raw = checked(line["metrics"], dict, "metrics")
    metrics = {key: _finite(raw[key], key) for key in METRICS if raw.get(key) is not None}
    groups = tuple(checked(name, str, "groups") for name in checked(line["groups"], list, "groups"))
    if not len(truth) == len(votes) == len(groups):
        raise ValueError("truth, predictions and groups are not of one length")
    if not count(line["training_walks"]):
        raise ValueError("training_walks is 0, and nothing is learned from none")
    cell = Cell(
        version=checked(line["version"], str, "version"),
        commit=checked(line["commit"], str, "commit"),
        data_hash=checked(line["data_hash"], str, "data_hash"),
        metrics=metrics,
        truth=truth,
        votes=votes,
        groups=groups,
        training_walks=line["training_walks"],
    )
    if abs(metrics["accuracy"] - cell.correct.mean()) > 1e-3:
        raise ValueError(f"accuracy {metrics['accuracy']} is not that of the predictions")
    return cell


def read_pretraining(line: Mapping[str, Any]) -> Pretraining:
    """The encoder of a line; raises as ``read_cell`` does."""
    return Pretraining(line["method"], _points(line["curve"]), _points(line["knn_curve"]))


def check_line(line: Mapping[str, Any]) -> None:
    """Refuse a line that no report would take, whatever classes its study has; NaN is left to who reads it.

    Raises:
        ValueError: It is none, or one of the others in ``IMPOSSIBLE``.
    """
    try:
        if line["protocol"] == PRETRAIN:
            read_pretraining(line)
        else:
            read_cell(line, _classes_in(line))
    except NotFiniteError:
        pass


def _classes_in(line: Mapping[str, Any]) -> int:
    """The fewest classes that the line's study can have."""
    labels = _labels(line["truth"], "truth", MOST_CLASSES)
    if "votes" not in line:
        return 1 + int(max(labels.max(), _labels(line["predictions"], "predictions", MOST_CLASSES).max()))
    rows = checked(line["votes"], list, "votes")
    return max(1 + int(labels.max()), len(checked(rows[0], list, "votes")) if rows else 0)


def _votes(line: Mapping[str, Any], classes: int) -> np.ndarray:
    if "votes" not in line:
        return np.eye(classes)[_labels(line["predictions"], "predictions", classes)]
    rows = [[count(number) for number in checked(row, list, "votes")] for row in checked(line["votes"], list, "votes")]
    if len({sum(row) for row in rows}) != 1 or {len(row) for row in rows} != {classes} or not sum(rows[0]):
        raise ValueError(f"votes needs {classes} counts for each walk, with one sum")
    counts = np.array(rows, dtype=np.float64)
    return counts / counts.sum(1, keepdims=True)


def _labels(raw: Any, key: str, classes: int) -> np.ndarray:
    labels = [count(label) for label in checked(raw, list, key)]
    if not labels or max(labels) >= classes:
        raise ValueError(f"{key} needs classes below {classes}")
    return np.array(labels)


def _points(raw: Any) -> np.ndarray:
    points = [[_finite(number, "curve") for number in point] for point in checked(raw, list, "curve")]
    array = np.array(points, dtype=np.float64).reshape(len(points), 2)
    return array[np.argsort(array[:, 0], kind="stable")]


def _finite(value: Any, key: str) -> float:
    if not is_number(value):
        raise ValueError(f"{key} {value!r} is no number")
    if not np.isfinite(number := float(value)):
        raise NotFiniteError(f"{key} is {value}")
    return number


def count(value: Any) -> int:
    """The value, if it is a whole number from 0; else raises ``ValueError``."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no whole number from 0")
    return value


def checked(value: Any, kind: type, key: str) -> Any:
    """The value, if it is of that kind; else raises ``TypeError``, which names the key."""
    if not isinstance(value, kind):
        raise TypeError(f"{key} is {type(value).__name__}, not {kind.__name__}")
    return value

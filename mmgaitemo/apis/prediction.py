"""What a model says of a recording."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.files import unfinished
from mmgaitemo.skeleton import Skeleton


@dataclass(frozen=True)
class WindowPrediction:
    """What a model says of one window.

    Args:
        start_s: Where it begins, in seconds of the recording.
        stop_s: Where it ends.
        probabilities: (C,) of the classes, calibrated.
        distance: From the training walks, see ``mmgaitemo.apis.novelty``.
        features: (d,) of the encoder.
    """

    start_s: float
    stop_s: float
    probabilities: np.ndarray
    distance: float
    features: np.ndarray


@dataclass(frozen=True)
class GaitPrediction:
    """What a model says of a recording of one person.

    Args:
        id: Name of the recording.
        source: Its file, or ``array``.
        classes: Names of the C classes.
        probabilities: (C,) of the whole recording, calibrated: the mean of the windows' log-probabilities, normalised.
        label: The most probable class; ``None`` where the model abstains.
        distance: From the training walks: the median over the windows.
        threshold: The distance beyond which the model abstains.
        windows: Those of the recording, in order: gait cycles, or pieces of even length.
        joints: (V,) how much each joint spoke for the most probable class, less than 0 against it, in nats of its
            log-probability, compared with ordinary walks (``mmgaitemo.apis.attribution``): mean over the windows;
            ``None`` if not asked for.
        moments: (T,) the same for each frame that the network sees; NaN outside of the windows.
        features: (d,) of the encoder, mean over the windows.
        repairs: What was done to the recording before, in words.
        skeleton: The model's layout.
        rate: The model's frames per second.
        begin_s: Seconds of the recording before the first frame of ``positions``.
        positions: (T, V, 3) the recording in that layout and rate, upright, in its own unit, place and heading.
    """

    id: str
    source: str
    classes: tuple[str, ...]
    probabilities: np.ndarray
    label: str | None
    distance: float
    threshold: float
    windows: list[WindowPrediction]
    joints: np.ndarray | None
    moments: np.ndarray | None
    features: np.ndarray
    repairs: tuple[str, ...]
    skeleton: Skeleton
    rate: float
    begin_s: float
    positions: np.ndarray

    @property
    def abstained(self) -> bool:
        """Whether the gait is too unlike the training walks for an answer."""
        return self.label is None

    @property
    def likeliest(self) -> str:
        """The most probable class, whether the model abstains or not."""
        return self.classes[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(self.probabilities.max())

    def as_dict(self) -> dict[str, Any]:
        """Everything but ``positions``, as JSON holds it: NaN is None."""
        joints, moments = self.joints, self.moments
        return {
            "id": self.id,
            "source": self.source,
            "label": self.label,
            "abstained": self.abstained,
            "probabilities": self._named(self.probabilities),
            "distance": self.distance,
            "threshold": self.threshold,
            "windows": [
                {
                    "start_s": round(window.start_s, 4),
                    "stop_s": round(window.stop_s, 4),
                    "probabilities": self._named(window.probabilities),
                    "distance": window.distance,
                }
                for window in self.windows
            ],
            "joints": None if joints is None else dict(zip(self.skeleton.joints, joints.tolist(), strict=True)),
            "moments": None if moments is None else [None if math.isnan(one) else one for one in moments.tolist()],
            "features": self.features.tolist(),
            "repairs": list(self.repairs),
            "skeleton": self.skeleton.name,
            "rate": self.rate,
            "begin_s": self.begin_s,
            "frames": len(self.positions),
        }

    def _named(self, probabilities: np.ndarray) -> dict[str, float]:
        return dict(zip(self.classes, probabilities.tolist(), strict=True))


COLUMNS = ("id", "source", "label", "confidence", "abstained", "distance", "threshold", "windows", "seconds")


def table_row(prediction: GaitPrediction) -> dict[str, Any]:
    """A line of ``predictions.csv``: ``COLUMNS``, then ``p_<class>`` for each class; no label where it abstains."""
    return {
        "id": prediction.id,
        "source": prediction.source,
        "label": prediction.label or "",
        "confidence": f"{prediction.confidence:.6f}",
        "abstained": int(prediction.abstained),
        "distance": f"{prediction.distance:.6f}",
        "threshold": f"{prediction.threshold:.6f}",
        "windows": len(prediction.windows),
        "seconds": f"{len(prediction.positions) / prediction.rate:.3f}",
        **{
            f"p_{name}": f"{value:.6f}"
            for name, value in zip(prediction.classes, prediction.probabilities.tolist(), strict=True)
        },
    }


def write_table(path: Path, rows: Sequence[dict[str, Any]], classes: Sequence[str]) -> None:
    """Write the rows as CSV; the file appears complete or not at all."""
    with unfinished(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *(f"p_{name}" for name in classes)])
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON; the file appears complete or not at all."""
    with unfinished(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")

"""Published models: one file that holds all that inference needs, and nothing that could run."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmgaitemo.apis.known_types import build_model, check_types
from mmgaitemo.apis.novelty import Novelty
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.errors import DataError, GaitError
from mmgaitemo.models.algorithms.gait_classifier import GaitClassifier
from mmgaitemo.models.data_preprocessor import to_streams
from mmgaitemo.models.encoder_io import check_state

PUBLISHED_SUFFIX = ".pth"
FORMAT, FORMAT_VERSION = "mmgaitemo model", 1
SHIPPED = Path(__file__).resolve().parents[1] / "models_zoo"
ENTRIES = ("state_dict", "config", "meta", "calibration", "novelty", "neighbours")
META = ("name", "skeleton", "classes", "rate", "frames", "licence", "publishable", "demonstration", "note")
PUBLISH = "publish one with tools/deploy/publish_model.py CHECKPOINT --out DIR"


@dataclass(frozen=True)
class Neighbours:
    """The training walks, to show which of them are nearest.

    Args:
        ids: N names.
        labels: N class ids, -1 = unlabelled.
        features: (N, d) float32, as ``GaitClassifier.extract_feat`` gives them.
    """

    ids: list[str]
    labels: list[int]
    features: Tensor


@dataclass(frozen=True)
class PublishedModel:
    """A model and what has to be known to use it.

    Args:
        model: In eval mode, on the device asked for; its parameters want no gradient.
        pipeline: Recipe for ``mmgaitemo.datasets.build_pipeline``.
        meta: name, version, date, source_config, skeleton, classes, class_note, rate (Hz) and frames of a window before
            the pipeline, data, licence, publishable, demonstration, metrics, trained_on (walks), note.
        calibration: temperature, ece_before, ece_after, walks; see ``calibrate``.
        novelty: ``distance(features, inputs)`` from the training walks and ``threshold`` of abstention; on the CPU.
        neighbours: The training walks, or None; on the CPU.
        path: The file.
    """

    model: GaitClassifier
    pipeline: dict[str, Any]
    meta: dict[str, Any]
    calibration: dict[str, Any]
    novelty: Novelty
    neighbours: Neighbours | None
    path: str

    def summary(self) -> str:
        """What the file says of itself, in lines to read."""
        meta, metrics = self.meta, self.meta["metrics"]
        numbers = {
            **{key.replace("_", " "): metrics[key] for key in ("accuracy", "balanced_accuracy", "macro_f1")},
            "temperature": self.calibration["temperature"],
            "calibration error before": self.calibration["ece_before"],
            "calibration error after *": self.calibration["ece_after"],
            **{f"abstained on: {kind.replace('_', ' ')}": share for kind, share in metrics["abstained"].items()},
        }
        lines = [
            f"{self.path} ({Path(self.path).stat().st_size / 1e6:.2f} MB)",
            f"trained on {meta['trained_on']} walks of: {meta['data']}",
            f"terms of these: {meta['licence']}{'' if meta['publishable'] else '. KEEP THIS FILE TO YOURSELF'}",
            f"on {metrics['walks']} walks of {metrics['persons']} persons it has not met:",
            *(
                f"  {key:<32}{'one person: unknown' if value is None else f'{value:.3f}'}"
                for key, value in numbers.items()
            ),
            "  * and held-out walks abstained on: fitted on other persons than those it is counted on",
            meta["note"],
        ]
        return "\n".join(lines)


def load_published(path: str | Path | None = None, device: str | torch.device = "cpu") -> PublishedModel:
    """Read a published model; None is the demonstration model that comes with the package.

    Nothing in the file is executed: it is read without unpickling code, and its config may name registered parts only.

    Raises:
        DataError: The file is missing, damaged, not what the hash in its name says, a training checkpoint, of another
            version, or of a model with parts that are not known here.
    """
    file = demonstration() if path is None else Path(path).expanduser()
    where = str(file)
    content = _read(file)
    try:
        check_types(content["config"], where)
        config, stored = content["config"], content["neighbours"]
        build_pipeline(config["pipeline"])
        model = build_model(config["model"])
        check_state(model, content["state_dict"], where)
        model.load_state_dict(content["state_dict"])
        if stored is not None:
            stored = Neighbours(stored["ids"], stored["labels"], stored["features"].float())
        novelty = Novelty.from_dict(content["novelty"])
        if missing := [key for key in META if key not in content["meta"]]:
            raise KeyError(f"meta has no {missing}")
        model = model.eval().requires_grad_(False)
        _check_facts(content["meta"], content["calibration"], novelty, model)
        return PublishedModel(
            model=model.to(device),
            pipeline=config["pipeline"],
            meta=content["meta"],
            calibration=content["calibration"],
            novelty=novelty,
            neighbours=stored,
            path=where,
        )
    except DataError:
        raise
    except (GaitError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise _refused(where, "what it says of its model does not fit together", error) from error


def features_of(model: GaitClassifier, inputs: Tensor) -> Tensor:
    """Walks (N, 3, T, V) as the pipeline leaves them to features (N, d), by way of the model's streams."""
    preprocessor = model.data_preprocessor
    return model.extract_feat(to_streams(inputs, preprocessor.streams, preprocessor.skeleton))


def demonstration() -> Path:
    """The model that comes with the package: trained on synthetic walkers, it knows nothing of people.

    Raises:
        DataError: The installation lacks it.
    """
    found = sorted(SHIPPED.glob(f"*{PUBLISHED_SUFFIX}"))
    if len(found) != 1:
        raise DataError(
            str(SHIPPED),
            "the demonstration model that comes with the package is not there",
            found=[path.name for path in found],
            remedy="install the package again, or pass a published model",
        )
    return found[0]


def short_hash(content: bytes) -> str:
    """What a published file's name ends in: the first 8 digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:8]


def _read(file: Path) -> dict[str, Any]:
    """The content of a published file, its entries being there.

    Raises:
        DataError: See ``load_published``.
    """
    where = str(file)
    if not file.is_file():
        raise DataError(where, "no such model file", remedy=f"correct the path, or {PUBLISH}")
    raw = file.read_bytes()
    stated = re.search(r"-([0-9a-f]{8})$", file.stem)
    if stated and stated[1] != short_hash(raw):
        raise DataError(
            where,
            "the file is not the one that its name says: it is damaged, or was changed",
            found=f"SHA-256 begins with {short_hash(raw)}",
            remedy="copy it again from where it came",
        )
    try:
        content = torch.load(BytesIO(raw), map_location="cpu", weights_only=True)
    except Exception:  # damage, and pickled code, come as nearly every type
        raise _refused(
            where, "the file is no published model: it is damaged, or holds pickled objects", f"{len(raw)} bytes"
        ) from None  # PyTorch's own words advise to run what it holds
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        training = isinstance(content, Mapping) and "state_dict" in content
        raise DataError(
            where,
            "this is a training checkpoint, not a published model" if training else "the file is no published model",
            found=sorted(map(str, content))[:6] if isinstance(content, Mapping) else type(content).__name__,
            remedy=PUBLISH.replace("CHECKPOINT", where) if training else PUBLISH,
        )
    if content.get("format_version") != FORMAT_VERSION:
        raise DataError(
            where,
            f"the published model is of another version than {FORMAT_VERSION}",
            found=content.get("format_version"),
            remedy="install the mmgaitemo that wrote it, or publish its checkpoint again",
        )
    if missing := [entry for entry in ENTRIES if entry not in content]:
        raise DataError(where, "the published model is not complete", found=f"no {missing}", remedy=PUBLISH)
    return dict(content)


def _check_facts(
    meta: Mapping[str, Any], calibration: Mapping[str, Any], novelty: Novelty, model: GaitClassifier
) -> None:
    """Refuse what would fail, or mean nothing, only when a walk is predicted.

    Raises:
        ValueError: A fact is impossible, or is another than the network's.
        TypeError: A fact is of a kind that JSON does not hold.
        RuntimeError: The network gives other features than the novelty is of.
    """
    json.dumps(meta)
    scores, classes = model.head(novelty.encoder.means), meta["classes"]
    distances = (novelty.encoder.distance(novelty.encoder.means), novelty.movement.distance(torch.zeros(1, 3)))
    right = {
        "skeleton": meta["skeleton"] == model.data_preprocessor.skeleton.name,
        "classes": isinstance(classes, list)
        and all(isinstance(name, str) for name in classes)
        and len(set(classes)) == len(classes) == scores.shape[1],
        "rate": 0.1 <= meta["rate"] <= 1e5,
        "frames": 2 <= meta["frames"] <= 1e6,
        "temperature": 0 < calibration["temperature"] < math.inf,
        "novelty": all(distance.isfinite().all() for distance in distances) and 0 < novelty.threshold < math.inf,
    }
    if wrong := [name for name, holds in right.items() if not holds]:
        raise ValueError(f"{', '.join(wrong)} cannot be")


def _refused(where: str, problem: str, error: object) -> DataError:
    found = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return DataError(where, problem, found=found, remedy=f"copy it again from where it came, or {PUBLISH}")

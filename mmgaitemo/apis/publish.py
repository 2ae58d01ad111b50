"""From a training checkpoint to a published model: stripped, measured, calibrated, named by its hash."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor
from torch.utils.data import DataLoader

from mmgaitemo.apis.calibration import calibrate
from mmgaitemo.apis.known_types import build_model, check_types
from mmgaitemo.apis.novelty import Novelty, fit_novelty
from mmgaitemo.apis.odd_walks import ODD, odd_inputs
from mmgaitemo.apis.published import FORMAT, FORMAT_VERSION, PUBLISHED_SUFFIX, features_of, short_hash
from mmgaitemo.apis.terms import MARK, Source, settings_of, sources_of
from mmgaitemo.datasets import SkeletonDataset, gait_collate
from mmgaitemo.errors import CheckpointError, ConfigError, DataError
from mmgaitemo.evaluation import extract_features
from mmgaitemo.evaluation.scores import classification_metrics
from mmgaitemo.files import unfinished
from mmgaitemo.models.algorithms.gait_classifier import GaitClassifier
from mmgaitemo.models.encoder_io import check_state, check_unseen, read_checkpoint
from mmgaitemo.overrides import setting_at
from mmgaitemo.recipe import steps_in_order
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.version import __version__

TRAINED_ON, HELD_OUT = "train_dataloader.dataset", "val_dataloader.dataset"
ONLY_FOR_TRAINING = ("encoder", "frozen", "label_smoothing")
WHAT_IT_SAYS = "It says how walks like these were labelled, not what a person feels."
DEMONSTRATION = "A demonstration: it was trained on synthetic walkers alone, and what it says of people means nothing."


@dataclass(frozen=True)
class Statement:
    """What the publisher says, because no file does.

    Args:
        name: Of the model; None takes the name of the config.
        licence: Terms of the training data that do not state theirs.
        rate: Frames per second of walks that do not say theirs.
        allow_unpublishable: Write a model of data marked as not for publication, for one's own use.
        demonstration: Say in the file that it knows only synthetic walkers.
        date: Day to write into the file.
    """

    name: str | None = None
    licence: str | None = None
    rate: float | None = None
    allow_unpublishable: bool = False
    demonstration: bool = False
    date: str = field(default_factory=lambda: date.today().isoformat())


def publish(checkpoint: str | Path, out: Path, says: Statement) -> Path:
    """Write the published model of a classifier's checkpoint.

    Class means, covariance and neighbours come from the training walks of the checkpoint's config; temperature,
    threshold and metrics from the fold that it held out. The same checkpoint and statement give the same bytes.

    Args:
        checkpoint: Written by tools/train.py with a config of configs/downstream.
        out: Folder.
        says: What no file says.

    Returns:
        The file written, ``<name>-<hash>.pth``.

    Raises:
        GaitError: It is no such checkpoint, its data may not be published or are not there, or something about them is
            not known.
    """
    where = str(checkpoint)
    trained = read_checkpoint(where)
    settings = _settings(trained, where)
    sources = sources_of(trained, where)
    _check_terms(sources, says)
    model = build_model(_without_training(settings["model"]))
    check_state(model, trained["state_dict"], where)
    model.load_state_dict(trained["state_dict"])
    held_out = DATASETS.build(setting_at(settings, HELD_OUT))
    pipeline = setting_at(settings, HELD_OUT)["pipeline"]
    bank = DATASETS.build({**setting_at(settings, TRAINED_ON), "pipeline": pipeline})  # its own leaves room for views
    check_unseen(trained, held_out, where)

    features, labels, ids = extract_features(model, bank)
    measured, calibration, novelty = _measure(model, (features, _inputs(bank), labels), held_out)
    rate, frames = _window(held_out, pipeline, says.rate)
    config_name = re.sub(r"_\d{8}_\d{6}$", "", str(trained["meta"].get("experiment_name", "model")))  # without the time
    name = says.name or config_name
    if not re.fullmatch(r"[\w.-]+", name):
        raise ConfigError("--name", "is no name for a file", found=repr(name), remedy="use letters, digits, - and _")
    meta = {
        "name": name,
        "version": __version__,
        "date": says.date,
        "source_config": config_name,
        "skeleton": held_out.skeleton.name,
        "classes": list(held_out.metainfo["classes"]),
        "class_note": held_out.metainfo["class_note"],
        "rate": rate,
        "frames": frames,
        "data": "; ".join(source.data for source in sources),
        "licence": "; ".join(dict.fromkeys(source.licence or str(says.licence) for source in sources)),
        "publishable": not any(source.marked for source in sources),
        "demonstration": says.demonstration,
        "metrics": measured,
        "trained_on": len(ids),
        "note": DEMONSTRATION if says.demonstration else WHAT_IT_SAYS,
    }
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "state_dict": {key: value.clone() for key, value in model.state_dict().items()},
        "config": {"model": _without_training(settings["model"]), "pipeline": pipeline},
        "meta": meta,
        "calibration": calibration,
        "novelty": novelty.as_dict(),
        "neighbours": {"ids": ids, "labels": labels.tolist(), "features": features.half()},
    }
    return _write(content, out, name)


def _settings(trained: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The config inside a classifier's checkpoint.

    Raises:
        CheckpointError: It has none, or is no classifier's.
        DataError: It names parts that are not registered.
    """
    settings = settings_of(trained, where)
    needed = {key: setting_at(settings, key) for key in ("model", TRAINED_ON, HELD_OUT)}
    if missing := [key for key, setting in needed.items() if not setting]:
        raise CheckpointError(
            where,
            "holds no config of a classifier and a held-out fold",
            found=f"no {missing}",
            remedy="publish what tools/train.py wrote for a config of configs/downstream",
        )
    check_types(needed, where)
    kind = MODELS.get(settings["model"]["type"])
    if not issubclass(kind, GaitClassifier):
        raise CheckpointError(
            where,
            "a published model classifies, and this checkpoint holds an encoder without a classifier",
            found=kind.__name__,
            remedy=f"train one on it: python tools/train.py configs/downstream/linear_DATA.py --encoder {where}",
        )
    return settings


def _check_terms(sources: list[Source], says: Statement) -> None:
    """Refuse data that may not, or perhaps may not, be published.

    Raises:
        DataError: A source is marked, or its terms are neither known nor stated.
    """
    marked = [source.data for source in sources if source.marked]
    if marked and not says.allow_unpublishable:
        raise DataError(
            "the training data",
            f"are marked as {MARK!r}, and weights can give away what they were trained on",
            found=marked,
            remedy="ask their owners; for a file that stays with you pass --allow-unpublishable",
        )
    silent = [source.data for source in sources if not source.licence]
    if silent and not says.licence:
        raise DataError(
            "the training data",
            "do not say under which terms they may be used",
            found=silent,
            remedy="state them: --licence 'CC BY 4.0', or in the archive (docs/archive.md)",
        )


def _without_training(model: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a classifier without what only its training needs: paths, views, smoothing, what is frozen."""
    kept = {key: value for key, value in model.items() if key not in ONLY_FOR_TRAINING}
    kept["data_preprocessor"] = {key: value for key, value in model["data_preprocessor"].items() if key != "views"}
    return kept


def _inputs(dataset: Any) -> Tensor:
    """(N, 3, T, V): what the pipeline leaves of every walk."""
    return torch.cat([batch["inputs"] for batch in DataLoader(dataset, 256, collate_fn=gait_collate)])


@torch.no_grad()
def _measure(
    model: GaitClassifier, bank: tuple[Tensor, Tensor, Tensor], held_out: SkeletonDataset
) -> tuple[dict[str, Any], dict[str, Any], Novelty]:
    """Metrics, calibration and novelty on the held-out walks.

    Args:
        model: In eval mode.
        bank: Features, inputs and labels of the training walks.
        held_out: Walks of persons that the model has not met.

    Raises:
        DataError: A held-out walk has no label.
    """
    features, labels, ids = extract_features(model, held_out)
    if (labels < 0).any():
        unlabelled = [name for name, label in zip(ids, labels.tolist(), strict=True) if label < 0]
        raise DataError(
            f"walks {unlabelled[:3]}",
            "are held out and have no label, so nothing can be measured on them",
            found=f"{len(unlabelled)} of {len(ids)}",
            remedy="hold out labelled walks",
        )
    scores, truth = model.head(features).double().numpy(), labels.numpy()
    novelty, abstained = fit_novelty(*bank, features, _inputs(held_out), held_out.groups)
    shares = {"held_out": abstained}
    for kind, spoil in ODD.items():
        inputs, refused = odd_inputs(held_out, spoil)
        shares[kind] = (refused + _beyond(model, novelty, inputs)) / len(ids)
    metrics = {
        **classification_metrics(truth, softmax(scores, axis=1)),
        "walks": len(ids),
        "persons": len(set(held_out.groups)),
        "abstained": shares,
    }
    return metrics, calibrate(scores, truth, held_out.groups), novelty


def _beyond(model: GaitClassifier, novelty: Novelty, inputs: Tensor) -> int:
    """How many of (N, 3, T, V) are too far from the training walks; N may be 0."""
    if not len(inputs):
        return 0
    return int((novelty.distance(features_of(model, inputs), inputs) > novelty.threshold).sum())


def _window(dataset: SkeletonDataset, pipeline: Mapping[str, Any], stated: float | None) -> tuple[float, int]:
    """Rate (Hz) and length (frames) of the walks that a pipeline is made for.

    Raises:
        ConfigError: The walks have several rates, or none is known; or one is stated for walks that say theirs.
    """
    steps = {step["type"]: step for _, step in steps_in_order(pipeline, "pipeline")}
    records = dataset.load_data_list()
    known = {record.get("rate") for record in records}
    if "ResampleRate" in steps:
        known = {steps["ResampleRate"]["rate"]}
    if None not in known and stated is not None:
        raise ConfigError("--rate", "the walks say theirs", found=known, remedy="leave it out")
    rates = [stated if rate is None else rate for rate in known]
    if len(rates) != 1 or not rates[0] or not 0 < rates[0] < math.inf:
        raise ConfigError(
            "--rate",
            "the walks do not have one known frame rate",
            found=rates,
            remedy="pass --rate 30, or train with a ResampleRate in the pipeline",
        )
    rate = float(rates[0])
    if "TileCyclic" in steps:
        tile = steps["TileCyclic"]
        return rate, tile.get("length", 48) * tile.get("stride", 1)
    walks = zip(records, dataset.load_positions(records), strict=True)
    return rate, int(np.median([len(positions) * rate / (record["rate"] or rate) for record, positions in walks]))


def _write(content: dict[str, Any], out: Path, name: str) -> Path:
    buffer = BytesIO()  # not to a path, whose name torch.save would write into the file
    torch.save(content, buffer)
    path = out / f"{name}-{short_hash(buffer.getvalue())}{PUBLISHED_SUFFIX}"
    with unfinished(path) as partial:
        partial.write_bytes(buffer.getvalue())
    return path

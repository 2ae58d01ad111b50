"""One job of a study, in a process of its own: an encoder, then every protocol on it that is not there yet."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from sklearn.metrics import log_loss

from mmgaitemo.config import ROLES, Built, datasets_of, explained, load_config, preflight
from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.evaluation.features import extract_features
from mmgaitemo.evaluation.linear_probe import smoothed
from mmgaitemo.evaluation.scores import classification_metrics
from mmgaitemo.kinematics.collect import kinematic_features
from mmgaitemo.models.encoder_io import check_unseen, read_checkpoint
from mmgaitemo.overrides import schedulers_of, setting_at
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.rehearsal import check_held_out
from mmgaitemo.study import encoders
from mmgaitemo.study.identity import (
    DataHashes,
    data_of,
    digest,
    encoder_settings,
    refuse_checkpoints,
    training_settings,
)
from mmgaitemo.study.lines import append_line, set_damaged_aside
from mmgaitemo.study.plan import Fusion, Job, Method, Split, Study
from mmgaitemo.study.protocols import Features
from mmgaitemo.version import __version__

LOOK_AT_SCORES = {"EarlyStoppingHook", "ReduceOnPlateauLR", "ReduceOnPlateauMomentum", "ReduceOnPlateauParamScheduler"}


@dataclass(frozen=True)
class Identity:
    """Hashes of a job: of its data, of its features (and so of its encoder), and of each protocol on them."""

    data: DataHashes
    features: str
    protocols: dict[str, str]

    @property
    def whole(self) -> str:
        """One hash of them all, by which a job knows whether it is still the one that was planned."""
        return digest([self.data.delivered, self.features, self.protocols])


@dataclass(frozen=True)
class Todo:
    """A job that is not finished, its hashes, and the names of the lines that it has still to write."""

    job: Job
    identity: Identity
    missing: frozenset[str]


def method_config(method: Method, split: Split, seed: int) -> Config:
    """The pre-training config of a method on a split.

    Raises:
        ConfigError: It is none, starts from a checkpoint, has folds of its own, or lets the score on the walks that are
            held out decide.
    """
    changes = copy.deepcopy(method.changes)  # MMEngine takes _delete_ out of what it merges
    options = {**changes, "fold": split.fold, "unused_fold": split.unused_fold, "randomness.seed": seed}
    cfg = load_config(method.config, options)
    refuse_checkpoints(cfg)
    if cfg.model.type == "GaitClassifier" or not cfg.get("val_cfg", {}).get("bank"):
        raise ConfigError(
            str(method.config), "is no pre-training config", remedy="name one with val_cfg.bank, such as ssal_egait.py"
        )
    hooks = [hook for hook in (*cfg.default_hooks.values(), *(cfg.get("custom_hooks") or [])) if hook]
    chosen = ["save_best" for hook in hooks if hook.get("save_best")]
    chosen += [str(part.get("type")) for part in (*hooks, *schedulers_of(cfg)) if part.get("type") in LOOK_AT_SCORES]
    if chosen:
        raise ConfigError(
            f"{method.config}",
            "lets the score on the held-out walks, which are those that the study reports, decide about the training",
            found=chosen,
            remedy="take it out: the last epoch counts; compare epochs by inner validation, as methods of a study",
        )
    for role in ROLES:
        for dataset in datasets_of(setting_at(cfg._cfg_dict, role)):
            own = Split(dataset.fold, dataset.get("unused_fold"))
            if own != split:
                raise ConfigError(
                    f"{method.config}, {role}",
                    "has a fold of its own, so that every split of the study would be the same",
                    found=f"{own}, for {split}",
                    remedy="take fold and unused_fold out of the data set, of the config or of the method's changes",
                )
    return cfg


def identities(study: Study, method: Method | Fusion, split: Split) -> dict[int, Identity]:
    """The hashes of a method or fusion on a split, by seed.

    Raises:
        GaitError: Its config or its data cannot work.
    """
    if isinstance(method, Fusion):
        return fused_identities(study, method, [identities(study, part, split) for part in study.parts(method.name)])
    cfg = method_config(method, split, seed=0)
    init_default_scope(cfg.default_scope)
    try:
        data = data_of(cfg)
    except GaitError:
        raise
    except Exception as error:
        raise explained(error, cfg, f"the data of method {method.name} cannot be built with its changes") from error
    settings = {
        "pretrain": training_settings,
        "untrained": encoder_settings,
        "kinematics": lambda cfg: cfg.get("whitening"),
    }[method.kind](cfg)
    features = {seed: digest([__version__, method.kind, settings, data.delivered, seed]) for seed in study.seeds}
    return {seed: Identity(data, own, _asked(study, method, own, seed)) for seed, own in features.items()}


def fused_identities(study: Study, fusion: Fusion, parts: list[dict[int, Identity]]) -> dict[int, Identity]:
    """The hashes of a fusion, by seed, from those of its members.

    Raises:
        ConfigError: Probes of the members would not learn from the same labelled walks.
    """
    own = [part[study.seeds[0]].data for part in parts]
    for member, data in zip(fusion.members, own, strict=True):
        if data.bank != own[0].bank:
            raise ConfigError(
                f"study.methods.{fusion.name}.fuse",
                f"{member} has other labelled walks than {fusion.members[0]}, so that their scores are of other probes",
                found="other ids, labels or persons in val_cfg.bank",
                remedy="give their configs the same bank, or fuse others",
            )
    delivered = digest(["fuse", sorted(data.delivered for data in own)])
    data = DataHashes(delivered, own[0].bank, own[0].held_out)
    features = {seed: digest(["fuse", sorted(part[seed].features for part in parts)]) for seed in study.seeds}
    return {seed: Identity(data, own, _asked(study, fusion, own, seed)) for seed, own in features.items()}


def _asked(study: Study, method: Method | Fusion, features: str, seed: int) -> dict[str, str]:
    return {name: digest([features, study.protocols[name].settings(), seed]) for name in study.asked(method, seed)}


def classes_of(study: Study) -> tuple[list[str], str]:
    """Names of the classes that the study's methods are evaluated on, and what a reader of them has to know."""
    cfg = method_config(next(iter(study.methods.values())), study.splits[0], seed=0)
    meta = DATASETS.build({**cfg.val_dataloader.dataset, "lazy_init": True}).metainfo
    return list(meta["classes"]), meta["class_note"]


def run_job(study: Study, todo: Todo, folder: Path, encoder_home: Path, commit: str) -> None:
    """Run what is missing of a job; each protocol's line is in ``folder/lines.jsonl`` as soon as it is done.

    Args:
        study: Whose.
        todo: The job and what is missing of it.
        folder: Of the job.
        encoder_home: Where encoders are kept, each in a folder named by its hash.
        commit: Of the code, for the lines.
    """
    job, identity, missing = todo.job, todo.identity, todo.missing
    about = {
        "method": job.method,
        "fold": job.split.fold,
        "unused_fold": job.split.unused_fold,
        "seed": job.seed,
        "version": __version__,
        "commit": commit,
        "date": date.today().isoformat(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    set_damaged_aside(folder / "lines.jsonl")
    found = []
    for part in study.parts(job.method):
        own = identity if part.name == job.method else identities(study, part, job.split)[job.seed]
        cfg = method_config(part, job.split, job.seed)
        with _named(part, job):
            built = preflight(cfg)
            check_held_out(built)
            found.append(_features(part, cfg, built, own, encoder_home / own.features, folder, missing, about))
    held_out = built.datasets["val_dataloader.dataset"]
    truth = held_out.labels.numpy()
    about |= {
        "data_hash": identity.data.delivered,
        "training_walks": int((found[0].labels >= 0).sum()),
        "truth": truth.tolist(),
        "groups": _codes(held_out.groups, job.split.fold),
    }
    for name in (name for name in study.asked_of[job.method].protocols if name in missing):
        begin = time.perf_counter()
        answers = []
        for part, features in zip(study.parts(job.method), found, strict=True):
            with _named(part, job):
                answers.append(study.protocols[name].run(features))
        scores = np.mean([scores for scores, _ in answers], axis=0)
        metrics = _metrics(truth, scores)
        line = {
            "protocol": name,
            "hash": identity.protocols[name],
            "seconds": round(time.perf_counter() - begin, 1),
            "metrics": metrics,
            **_said(scores),
            "settings": answers[0][1] if len(answers) == 1 else {"members": [settings for _, settings in answers]},
        }
        scored = folder / f"scores_{name}_{line['hash']}.npz"  # a protocol that is changed and changed back has two
        np.savez_compressed(scored, ids=held_out.ids, truth=truth, scores=scores)
        append_line(folder / "lines.jsonl", about | line)
        print(f"{job}, {name}: accuracy {metrics['accuracy']:.3f}", flush=True)


@contextmanager
def _named(part: Method, job: Job) -> Iterator[None]:
    """Name the member of a fusion in which an error arises; a method of its own is named by its job."""
    try:
        yield
    except GaitError as error:
        raise (error if part.name == job.method else error.within(f"study.methods.{part.name}")) from None


def _features(
    method: Method,
    cfg: Config,
    built: Built,
    identity: Identity,
    home: Path,
    folder: Path,
    missing: frozenset[str],
    about: dict[str, Any],
) -> Features:
    bank, held_out = built.datasets["val_cfg.bank"], built.datasets["val_dataloader.dataset"]
    path = None
    if method.kind == "kinematics":
        known, labels, ids = kinematic_features(bank)
        queries, _, _ = kinematic_features(held_out)
        if cfg.get("whitening"):
            whitening = MODELS.build({"num_features": known.shape[1], **cfg.whitening})
            whitening.fit(known, bank.groups, bank.walks)
            known, queries = whitening(known), whitening(queries)
    else:
        if method.kind == "untrained":
            path = encoders.untrained(cfg, built, home)
        else:
            path, record = encoders.pretrained(cfg.copy(), built, home)
            check_unseen(read_checkpoint(path), held_out, path)
            if "pretrain" in missing:
                line = {"protocol": "pretrain", "hash": identity.features, **record}
                append_line(folder / "lines.jsonl", about | line)
        model = encoders.load(cfg, path)
        known, labels, ids = extract_features(model, bank)
        queries, _, _ = extract_features(model, held_out)
    classes = len(held_out.metainfo["classes"])
    seed = int(cfg.randomness.seed)
    return Features(known, labels, ids, bank.groups, queries, classes, path, cfg, seed)


def _metrics(truth: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    """Metrics of (R, N, classes) scores: the mean over the R answers."""
    found = [
        {
            **classification_metrics(truth, scores),
            "log_loss": float(log_loss(truth, smoothed(scores), labels=list(range(scores.shape[1])))),
        }
        for scores in answers
    ]
    return {key: round(float(np.mean([metrics[key] for metrics in found])), 5) for key in found[0]}


def _said(answers: np.ndarray) -> dict[str, Any]:
    """The classes named in (R, N, classes) scores: of one answer themselves, of several how often each was named."""
    said = answers.argmax(2)
    if len(said) == 1:
        return {"predictions": said[0].tolist()}
    return {"votes": (said[..., None] == np.arange(answers.shape[2])).sum(0).tolist()}


def _codes(persons: list[str], fold: int) -> list[str]:
    """Persons as numbers: who they are may not be published. A person is in one fold only."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(persons))}
    return [f"{fold}.{numbers[name]}" for name in persons]

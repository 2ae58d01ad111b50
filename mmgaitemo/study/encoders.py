"""Encoders of a study: trained once for each method, split and seed, kept, and shared by all studies that need them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmgaitemo.config import Built, quiet
from mmgaitemo.errors import ConfigError
from mmgaitemo.evaluation.features import prepare_untrained
from mmgaitemo.evaluation.knn import knn_probe
from mmgaitemo.files import unfinished
from mmgaitemo.models.encoder_io import load_encoder
from mmgaitemo.models.initial import initialise
from mmgaitemo.registry import MODELS
from mmgaitemo.samples import fingerprint, sample_ids
from mmgaitemo.work_dir import only_run_in

CURVE_POINTS = 40
KNN_POINTS = 5
RECORD = "pretrain.json"  # written last


class _KNNCurveHook(Hook):
    """Notes the accuracy of the kNN probe a few times: a curve to look at, from which nothing is chosen."""

    priority = "LOW"

    def __init__(self, datasets: dict[str, Any]) -> None:
        self.bank, self.held_out = datasets["val_cfg.bank"], datasets["val_dataloader.dataset"]
        self.points: list[tuple[int, float]] = []

    def after_train_epoch(self, runner: Runner) -> None:
        """Probe, if it is time."""
        epoch, last = runner.epoch + 1, runner.max_epochs
        if epoch * KNN_POINTS // last > (epoch - 1) * KNN_POINTS // last:
            classes = len(self.bank.metainfo["classes"])
            truth, _, scores = knn_probe(runner.model, self.bank, self.held_out, classes)
            self.points.append((epoch, round(float((scores.argmax(1) == truth).float().mean()), 4)))
            runner.model.train()


def is_kept(folder: Path) -> bool:
    """Whether the encoder of a folder has been trained."""
    return (folder / RECORD).is_file()


def pretrained(cfg: Config, built: Built, folder: Path) -> tuple[str, dict[str, Any]]:
    """The encoder that a config trains: from its folder if it is there already, else trained now.

    Args:
        cfg: Pre-training config, fold and seed set.
        built: Its data sets and a model, not yet initialised.
        folder: Of this very encoder; others of the same hash, in other processes, wait for it.

    Returns:
        Path of the checkpoint, and the record of its training: steps, seconds and curves.
    """
    path, record = folder / "encoder.pth", folder / RECORD
    with _turn(folder):
        content = _read_record(record) if is_kept(folder) else None
        if is_kept(folder) and (content is None or not _is_sound(path, cfg)):
            print(f"{folder}: the encoder that was kept here is damaged or gone: it is trained again", flush=True)
            content = None
        if content is None:
            content = _train(cfg, built, folder, path)
            with unfinished(record) as partial:
                partial.write_text(json.dumps(content), encoding="utf-8")
    return str(path), content


def _read_record(path: Path) -> dict[str, Any] | None:
    """What was noted of a training; None where the file is damaged."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    return content if isinstance(content, dict) and {"steps", "curve", "knn_curve"} <= content.keys() else None


def _is_sound(path: Path, cfg: Config) -> bool:
    """Whether a checkpoint can be read and fits; a file may be cut short in more ways than can be listed."""
    try:
        load(cfg, str(path))
    except Exception:  # whatever the reason, it is made again
        return False
    return True


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Keep others out of the folder of an encoder; where one makes it now, such as for another method, wait for it."""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(only_run_in(folder, shared=False))
                break
            except ConfigError:
                time.sleep(1)
        yield


def _train(cfg: Config, built: Built, folder: Path, path: Path) -> dict[str, Any]:
    cfg.dump(folder / "config.py")
    cfg = quiet(cfg)
    cfg.work_dir = str(folder)
    begin, cpu = time.perf_counter(), time.process_time()
    runner = Runner.from_cfg(cfg)
    curve = _KNNCurveHook(built.datasets)
    runner.register_hook(curve)
    runner.train()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    history, _ = runner.message_hub.get_scalar("train/loss").data
    _save(runner.model, sample_ids(runner.train_dataloader.dataset), path)
    return {
        "steps": runner.iter,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "curve": _thinned(np.asarray(history)),
        "knn_curve": curve.points,
    }


def untrained(cfg: Config, built: Built, folder: Path) -> str:
    """Checkpoint of the encoder as initialised by the config's seed; BatchNorm and whitening fitted."""
    path = folder / "encoder.pth"
    with _turn(folder):
        kept = path.is_file()
        if kept and not _is_sound(path, cfg):
            print(f"{path}: is damaged: it is made again", flush=True)
            kept = False
        if not kept:
            torch.manual_seed(cfg.randomness.seed)
            model = MODELS.build(cfg.model)
            initialise(model)
            prepare_untrained(model, built.datasets["val_cfg.bank"])
            _save(model, [], path)
    return str(path)


def load(cfg: Config, path: str) -> Any:
    """The config's model with the encoder of a checkpoint."""
    model = MODELS.build(cfg.model)
    load_encoder(model.backbone, path)
    return model


def _save(model: Any, trained_on: list[str], path: Path) -> None:
    state = {f"backbone.{key}": value.cpu() for key, value in model.backbone.state_dict().items()}
    with unfinished(path) as partial:
        torch.save({"state_dict": state, "meta": {"trained_on": fingerprint(trained_on)}}, partial)


def _thinned(losses: np.ndarray) -> list[list[float]]:
    """[step, mean loss since the point before] at no more than ``CURVE_POINTS`` steps."""
    pieces = np.array_split(losses, min(CURVE_POINTS, len(losses)))
    ends = np.cumsum([len(piece) for piece in pieces])
    return [[int(end), round(float(piece.mean()), 4)] for end, piece in zip(ends, pieces, strict=True)]

"""A study of seconds: tiny encoders on ten synthetic persons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runs import ROOT, TINY_ENCODER

from mmgaitemo.study.job import run_job
from mmgaitemo.study.reading import read_study
from mmgaitemo.study.store import Store, job_folder

PERSONS = {
    f"{role}.{key}": value
    for role in ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
    for key, value in (("num_persons", 10), ("takes", 1))
}
CHANGES = {
    **TINY_ENCODER,
    **PERSONS,
    "train_cfg.max_epochs": 2,
    "train_dataloader.batch_size": 8,
    "model.queue.size": 37,
}
KINEMATICS = {
    f"{role}.pipeline.{key}": value
    for role in ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
    for key, value in (
        ("order", ("kinematics", "time", "root", "scale", "heading", "pack")),
        ("kinematics", {"type": "Kinematics"}),
    )
}
PRETRAIN = str(ROOT / "configs/ssal_synthgait.py")
FINETUNE = str(ROOT / "configs/downstream/finetune_synthgait.py")


def tiny_study(**changes: Any) -> dict[str, Any]:
    """The content of a study config; ``changes`` replace top-level entries."""
    return {
        "title": "tiny",
        "data": "synthetic walkers",
        "splits": [0],
        "seeds": [0],
        "changes": CHANGES,
        "methods": {
            "ssal": {"title": "SSAL", "pretrain": PRETRAIN},
            "untrained": {"title": "untrained", "untrained": PRETRAIN},
        },
        "protocols": {"knn": {"type": "KNN", "k": 5}, "linear": {"title": "linear probe", "type": "LinearProbe"}},
        "reference": "untrained",
        **changes,
    }


def write_study(folder: Path, **changes: Any) -> Path:
    """A study config in a folder."""
    path = folder / "tiny.py"
    path.write_text(f"study = {tiny_study(**changes)!r}\n", encoding="utf-8")
    return path


def opened(out: Path, config: Path) -> Store:
    """The folder of a study, with what is finished in it."""
    store = Store(out, read_study(config))
    store.merge()
    return store


def run_missing(store: Store, encoders: Path, methods: list[str] | None = None) -> None:
    """All jobs with something missing, in this process."""
    for todo in store.todo(methods):
        run_job(store.study, todo, job_folder(store.out, todo.job), encoders, "abc")
    store.merge()

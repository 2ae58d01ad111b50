"""What a run leaves is not lost: to another run, to a full disk, or to a checkpoint that is not what it seems."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from runs import ROOT, TINY_ENCODER, tiny_config, train

from mmgaitemo.config import load_config
from mmgaitemo.errors import CheckpointError, ConfigError, TrainingError
from mmgaitemo.models.encoder_io import check_unseen, read_checkpoint
from mmgaitemo.provenance import SCHEDULE, check_made_with
from mmgaitemo.registry import DATASETS
from mmgaitemo.samples import fingerprint, sample_ids
from mmgaitemo.work_dir import AUTO, only_run_in, starting_point


def folder(path: Path, *checkpoints: str, last: str | None = None) -> Path:
    path.mkdir()
    for age, name in enumerate(checkpoints):
        (path / name).write_bytes(b"")
        os.utime(path / name, (age, age))
    if last is not None:
        (path / "last_checkpoint").write_text(last)
    return path


def test_a_new_run_starts_where_there_is_none(tmp_path: Path) -> None:
    other = str(folder(tmp_path / "other", "epoch_3.pth") / "epoch_3.pth")
    for work_dir in (tmp_path / "new", folder(tmp_path / "log", "run.log")):
        assert starting_point(work_dir, None, False) is None
        assert starting_point(work_dir, other, False) == other  # a run may branch off into a folder of its own
        with pytest.raises(CheckpointError, match="holds no run to resume"):
            starting_point(work_dir, AUTO, False)


@pytest.mark.parametrize("last", ["/moved/epoch_10.pth", None])
def test_a_folder_with_checkpoints_holds_a_run(tmp_path: Path, last: str | None) -> None:
    work_dir = folder(tmp_path / "run", "epoch_5.pth", "epoch_10.pth", last=last)
    other = str(folder(tmp_path / "other", "epoch_3.pth") / "epoch_3.pth")
    for resume, words in ((None, "already holds"), (other, "holds another run than this checkpoint's")):
        with pytest.raises(ConfigError, match=words):
            starting_point(work_dir, resume, False)
        assert starting_point(work_dir, resume, True) == resume
    own = os.path.relpath(work_dir / "epoch_5.pth")
    assert starting_point(work_dir, own, False) == own


def test_the_last_checkpoint_is_found_by_its_name_or_asked_for(tmp_path: Path) -> None:
    work_dir = folder(tmp_path / "run", "epoch_5.pth", "epoch_10.pth", last="/moved/epoch_5.pth")
    assert starting_point(work_dir, AUTO, False) == str(work_dir / "epoch_5.pth")
    for note in ("", "/moved/epoch_15.pth"):  # a disk that was full leaves an empty one
        (work_dir / "last_checkpoint").write_text(note)
        with pytest.raises(CheckpointError, match=r"last_checkpoint: does not name.*--resume \S+/epoch_10.pth"):
            starting_point(work_dir, AUTO, False)


def test_one_run_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    work_dir = tmp_path / "a" / "b"
    with only_run_in(work_dir):
        refused = pytest.raises(ConfigError, match=f"another run is writing to it.*process {os.getpid()} on")
        with refused, only_run_in(work_dir):
            pass
        with only_run_in(tmp_path / "c"):
            pass
    with only_run_in(work_dir):
        pass


def test_the_other_processes_of_a_distributed_run_share_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with only_run_in(tmp_path):
        monkeypatch.setenv("RANK", "1")
        with only_run_in(tmp_path):
            pass


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    code = f"""
import pathlib, sys, time
sys.path.insert(0, {str(ROOT)!r})
from mmgaitemo.work_dir import only_run_in
with only_run_in(pathlib.Path({str(tmp_path)!r})):
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        with pytest.raises(ConfigError, match=f"process {process.pid}"), only_run_in(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with only_run_in(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on")


def keeping(work_dir: Path, count: int, **options: Any) -> Config:
    return tiny_config(work_dir, **{"default_hooks.checkpoint.max_keep_ckpts": count, **options})


def test_a_full_disk_costs_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two, where one is kept: the first is whole, there is no half of the second, and the run goes on."""
    whole = LocalBackend.put

    def full(self: LocalBackend, obj: bytes, filepath: str | Path) -> None:
        if "epoch_2" in str(filepath):
            whole(self, obj[: len(obj) // 2], filepath)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, "put", full)
    with pytest.raises(TrainingError, match=r"cannot be written.*No space left"):
        train(keeping(tmp_path, 1))
    assert [path.name for path in tmp_path.glob("epoch*")] == ["epoch_1.pth"]
    assert (tmp_path / "last_checkpoint").read_text().endswith("epoch_1.pth")
    monkeypatch.setattr(LocalBackend, "put", whole)
    train(keeping(tmp_path, 1, resume=True))
    assert [path.name for path in tmp_path.glob("epoch*")] == ["epoch_2.pth"]
    assert read_checkpoint(str(tmp_path / "epoch_2.pth"))["meta"]["epoch"] == 2


@pytest.mark.parametrize(("count", "kept"), [(1, {4}), (2, {3, 4}), (-1, {1, 2, 3, 4})])
def test_as_many_checkpoints_are_kept_as_asked_for(tmp_path: Path, count: int, kept: set[int]) -> None:
    options = {"train_cfg.max_epochs": 4, "train_cfg.val_interval": 4}
    train(keeping(tmp_path, count, **options))
    assert {path.name for path in tmp_path.glob("epoch*")} == {f"epoch_{epoch}.pth" for epoch in kept}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pre-trained encoder."""
    work_dir = tmp_path_factory.mktemp("encoder")
    train(tiny_config(work_dir))
    return work_dir / "epoch_2.pth"


def probe(work_dir: Path, encoder: Path) -> Config:
    """A linear probe that sees a quarter of the labels, and all walks only through its encoder."""
    people = {f"{key}.dataset.num_persons": 10 for key in ("train_dataloader", "val_dataloader")}
    options = {
        **people,
        **{key.replace("persons", "").replace("num_", "takes"): 1 for key in people},
        **TINY_ENCODER,
        "train_cfg.max_epochs": 1,
        "train_dataloader.batch_size": 4,
        "train_dataloader.dataset.label_fraction": 0.25,
        "work_dir": str(work_dir),
        "experiment_name": work_dir.name,
        "model.encoder": str(encoder),
    }
    return load_config(ROOT / "configs/downstream/linear_synthgait.py", options)


def test_a_probe_has_seen_what_its_encoder_has_seen(pretrained: Path, tmp_path: Path) -> None:
    cfg = probe(tmp_path / "probe", pretrained)
    train(cfg)
    ids = sample_ids(DATASETS.build(cfg.train_dataloader.dataset))
    cfg.train_dataloader.dataset.label_fraction = 1.0
    everything = DATASETS.build(cfg.train_dataloader.dataset)
    others = everything.get_subset([i for i, name in enumerate(everything.ids) if name not in ids])
    assert 0 < len(others) < len(everything)
    checkpoint = read_checkpoint(str(tmp_path / "probe/epoch_1.pth"))
    assert set(checkpoint["meta"]["trained_on"].tolist()) == set(fingerprint(everything.ids).tolist())
    with pytest.raises(CheckpointError, match="was trained on walks"):
        check_unseen(checkpoint, others, "probe")
    check_unseen(checkpoint, DATASETS.build(cfg.val_dataloader.dataset), "probe")


def test_a_probe_of_bare_weights_knows_its_own_walks(pretrained: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": read_checkpoint(str(pretrained))["state_dict"]}, tmp_path / "bare.pth")
    cfg = probe(tmp_path / "bare", tmp_path / "bare.pth")
    train(cfg)
    ids = sample_ids(DATASETS.build(cfg.train_dataloader.dataset))
    seen = read_checkpoint(str(tmp_path / "bare/epoch_1.pth"))["meta"]["trained_on"]
    assert set(seen.tolist()) == set(fingerprint(ids).tolist())


ODD = {
    "no table": ["a", "list"],
    "text": "meta",
    "nothing": None,
    "walks as a list": {"trained_on": [1, 2]},
    "walks as numbers of another kind": {"trained_on": torch.zeros(3)},
}


@pytest.mark.parametrize("case", ODD)
def test_a_checkpoint_whose_story_is_damaged_is_refused(case: str, tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "meta": ODD[case]}, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=r"odd.pth: what it says of its own making"):
        read_checkpoint(str(tmp_path / "odd.pth"))


@pytest.mark.parametrize("text", ["model = dict(", "model = {[]: 1}", 5, ["model"], "\0", "a = " + "(" * 5000])
def test_a_config_in_a_checkpoint_that_cannot_be_read_is_said(text: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="its config cannot be read"):
        check_made_with({"meta": {"cfg": text}}, tiny_config(tmp_path), SCHEDULE, "odd.pth")

"""The command-line tools as a user runs them: from another folder, by exit code and by what they print and write.

Each runs as a program of its own at least once; what else it does is seen in this process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from commands import as_program, run_here, run_program
from runs import ROOT, TINY_ENCODER

from mmgaitemo.work_dir import only_run_in

SMALL = [
    "train_cfg.max_epochs=2",
    "train_dataloader.batch_size=8",
    "train_dataloader.dataset.num_persons=10",
    "train_dataloader.dataset.takes=1",
    "val_dataloader.dataset.num_persons=10",
    "val_dataloader.dataset.takes=1",
    *(
        f"{key}={','.join(map(str, value)) + ',' if isinstance(value, tuple) else value}"
        for key, value in TINY_ENCODER.items()
    ),
]
CONTRAST = [*SMALL, "val_cfg.bank.num_persons=10", "val_cfg.bank.takes=1", "model.queue.size=37"]


train, evaluate = partial(run_here, "tools/train.py"), partial(run_here, "tools/test.py")
train_program, evaluate_program = partial(as_program, "tools/train.py"), partial(as_program, "tools/test.py")


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of tools/train.py on the quick-start config."""
    cwd = tmp_path_factory.mktemp("run")
    options = ("--cfg-options", *CONTRAST, "default_hooks.checkpoint.interval=1")
    result = train_program(ROOT / "configs/ssal_synthgait.py", *options, cwd=cwd)
    assert result.returncode == 0, result.stderr[-3000:]
    for words in ("eta:", "knn/accuracy", "untrained_accuracy", "majority_accuracy"):
        assert words in result.stdout + result.stderr
    work_dir = cwd / "work_dirs" / "ssal_synthgait"
    names = {path.name for path in work_dir.iterdir()}
    assert {"epoch_2.pth", "ssal_synthgait.py", "curves.png", "embedding.png"} <= names
    assert list(work_dir.glob("*/*.log"))
    return work_dir


def test_kNN_probe_of_a_checkpoint(pretrained: Path, tmp_path: Path) -> None:
    config = pretrained / "ssal_synthgait.py"
    result = evaluate_program(config, pretrained / "epoch_2.pth", "--out", "scores.json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "knn/accuracy" in result.stdout + result.stderr
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert len(scores["samples"]) == 8
    assert all(abs(sum(sample["scores"]) - 1) < 1e-5 for sample in scores["samples"].values())
    assert (tmp_path / "work_dirs" / "ssal_synthgait" / "test" / "confusion.png").is_file()


def test_linear_probe_leaves_the_encoder_as_it_was_and_its_scores_can_be_written(
    pretrained: Path, tmp_path: Path
) -> None:
    checkpoint = pretrained / "epoch_2.pth"
    before = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    config = ROOT / "configs/downstream/linear_synthgait.py"
    result = train(config, "--encoder", checkpoint, "--cfg-options", *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    for word in ("accuracy", "balanced_accuracy", "macro_f1", "precision", "encoder loaded strictly"):
        assert word in result.stdout + result.stderr
    assert hashlib.sha256(checkpoint.read_bytes()).hexdigest() == before
    probe = tmp_path / "work_dirs/linear_synthgait/epoch_2.pth"
    old, new = (torch.load(path, weights_only=True)["state_dict"] for path in (checkpoint, probe))
    encoder = [key for key in new if key.startswith("backbone.")]
    assert len(encoder) > 20
    assert all(torch.equal(old[key], new[key]) for key in encoder)
    written = ("--out", tmp_path / "scores.json", "--confusion", tmp_path / "c.png")
    result = evaluate(config, probe, *written, "--cfg-options", *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    samples = json.loads((tmp_path / "scores.json").read_text())["samples"]
    accuracy = sum(s["label"] == s["prediction"] for s in samples.values()) / len(samples)
    assert f"accuracy: {accuracy:.4f}" in result.stdout + result.stderr
    assert (tmp_path / "c.png").is_file()


def test_interrupted_run_goes_on_and_a_finished_one_is_not_overwritten(pretrained: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "again"
    shutil.copytree(pretrained, work_dir)
    (work_dir / "epoch_2.pth").unlink()
    (work_dir / "last_checkpoint").write_text(str(work_dir / "epoch_1.pth"))
    config = ROOT / "configs/ssal_synthgait.py"
    refused = train_program(config, "--work-dir", work_dir, "--cfg-options", *CONTRAST, cwd=tmp_path)
    assert refused.returncode == 1
    assert "already holds" in refused.stderr and "Traceback" not in refused.stderr
    other = train(config, "--work-dir", work_dir, "--resume", pretrained / "epoch_1.pth", cwd=tmp_path)
    assert "holds another run than this checkpoint's" in other.stderr
    assert not (work_dir / "epoch_2.pth").exists()
    options = ("--cfg-options", *CONTRAST, "default_hooks.checkpoint.interval=1")
    with only_run_in(work_dir):
        waiting = train(config, "--work-dir", work_dir, "--resume", *options, cwd=tmp_path)
    assert "another run is writing to it" in waiting.stderr
    result = train_program(config, "--work-dir", work_dir, "--resume", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    a, b = (torch.load(path / "epoch_2.pth", weights_only=True)["state_dict"] for path in (pretrained, work_dir))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_dist_train_and_dist_test_on_two_cpu_processes(tmp_path: Path) -> None:
    config = ROOT / "configs/ssal_synthgait.py"
    script = ("bash", ROOT / "tools/dist_train.sh", config, "2")
    result = run_program(*script, "--work-dir", tmp_path / "d", "--cfg-options", *CONTRAST, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    checkpoint = tmp_path / "d" / "epoch_2.pth"
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert state["queue.pointer"] == (2 * 2 * 16) % 37  # two epochs of two steps, each with both ranks' keys
    script = ("bash", ROOT / "tools/dist_test.sh", config, checkpoint, "2")
    written = ("--work-dir", tmp_path / "t", "--out", tmp_path / "s.json")
    result = run_program(*script, *written, "--cfg-options", *CONTRAST, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    assert len(json.loads((tmp_path / "s.json").read_text())["samples"]) == 8


def test_slurm_script_hands_everything_to_srun(tmp_path: Path) -> None:
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    script = ("bash", ROOT / "tools/slurm_train.sh", "gpu", "ssal", "configs/ssal_egait.py", "--amp")
    result = run_program(*script, cwd=tmp_path, env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "GPUS": "4"})
    assert result.returncode == 0
    words = result.stdout.split()
    assert {"--partition=gpu", "--job-name=ssal", "--ntasks=4", "--gres=gpu:4", "--launcher", "slurm", "--amp"} <= set(
        words
    )


BAD = {
    "missing data": (
        ["{root}/configs/ssal_egait.py"],
        {"MMGAITEMO_EGAIT": "/nowhere"},
        ["/nowhere/features.h5", "Emotion-Gait", "configs/ssal_synthgait.py"],
    ),
    "unknown type": (
        ["{root}/configs/ssal_synthgait.py", "--cfg-options", "model.backbone.type=CFNN"],
        {},
        ["'CFNN'", "CFFN"],
    ),
    "unknown transform": (
        ["{root}/configs/ssal_synthgait.py", "--cfg-options", "model.data_preprocessor.views.general.shear.type=Sheer"],
        {},
        ["Sheer"],
    ),
    "unknown argument": (
        ["{root}/configs/ssal_synthgait.py", "--cfg-options", "model.queue.length=5"],
        {},
        ["length"],
    ),
    "misspelt top-level key": (
        ["{root}/configs/ssal_synthgait.py", "--cfg-options", "modle.temperature=1"],
        {},
        ["'model'"],
    ),
    "no pair": (["{root}/configs/ssal_synthgait.py", "--cfg-options", "foo"], {}, ["KEY=VALUE", "foo"]),
    "misspelt loader argument": (
        ["{root}/configs/ssal_synthgait.py", "--cfg-options", "train_dataloader.batchsize=8"],
        {},
        ["first training step", "batchsize"],
    ),
    "wrong number of classes": (
        ["{root}/configs/downstream/supervised_synthgait.py", "--cfg-options", "model.head.num_classes=3"],
        {},
        ["num_classes", "4 classes", "Found: 3"],
    ),
    "fine-tuning without an encoder": (
        ["{root}/configs/downstream/finetune_synthgait.py"],
        {},
        ["model.encoder", "--encoder CKPT"],
    ),
    "no such fold": (["{root}/configs/ssal_synthgait.py", "--cfg-options", "fold=9"], {}, ["fold", "9", "0 to 4"]),
    "no such config": (["nothing.py"], {}, ["nothing.py", "no such config"]),
    "a part of a config": (["{root}/configs/_base_/loaders.py"], {}, ["loaders.py", "no complete config", "model"]),
    "nothing to resume": (["{root}/configs/ssal_synthgait.py", "--resume"], {}, ["holds no run to resume"]),
    "probe without encoder": (["{root}/configs/downstream/linear_synthgait.py"], {}, ["--encoder CKPT"]),
    "encoder for a contrast": (["{root}/configs/ssal_synthgait.py", "--encoder", "x.pth"], {}, ["takes no --encoder"]),
    "encoder that is missing": (
        ["{root}/configs/downstream/linear_synthgait.py", "--encoder", "nowhere.pth"],
        {},
        ["nowhere.pth", "no such checkpoint"],
    ),
    "encoder that is none": (
        ["{root}/configs/downstream/linear_synthgait.py", "--encoder", "{root}/README.md"],
        {},
        ["README.md", "no checkpoint"],
    ),
    "encoder of another width": (
        ["{root}/configs/downstream/linear_synthgait.py", "--encoder", "{pretrained}/epoch_2.pth"],
        {},
        ["epoch_2.pth", "missing", "another shape"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_ends_with_one_line_and_writes_nothing(case: str, pretrained: Path, tmp_path: Path) -> None:
    args, env, words = BAD[case]
    result = train(*(arg.format(root=ROOT, pretrained=pretrained) for arg in args), cwd=tmp_path, env=env)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("error: "), result.stderr[-2000:]
    assert "Remedy: " in last
    for word in words:
        assert word in last
    assert not list(tmp_path.iterdir())


def test_foreign_checkpoint_is_not_tested(pretrained: Path, tmp_path: Path) -> None:
    result = evaluate(ROOT / "configs/downstream/linear_synthgait.py", pretrained / "epoch_2.pth", cwd=tmp_path)
    assert result.returncode == 1
    for word in ("epoch_2.pth", "another model", "missing", "foreign", "Remedy"):
        assert word in result.stderr
    assert not list(tmp_path.iterdir())


OTHER_USE = {
    "another fold": (["fold=1"], "trained on walks"),
    "another stream": (["model.data_preprocessor.stream=motion"], "model.data_preprocessor.stream"),
}


@pytest.mark.parametrize("case", OTHER_USE)
def test_a_checkpoint_is_not_evaluated_on_its_training_walks_or_read_with_other_settings(
    case: str, pretrained: Path, tmp_path: Path
) -> None:
    options, words = OTHER_USE[case]
    checkpoint = pretrained / "epoch_2.pth"
    config = ROOT / "configs/ssal_synthgait.py"
    tested = evaluate(config, checkpoint, "--cfg-options", *CONTRAST, *options, cwd=tmp_path)
    config = ROOT / "configs/downstream/linear_synthgait.py"
    probed = train(config, "--encoder", checkpoint, "--cfg-options", *SMALL, *options, cwd=tmp_path)
    for result in (tested, probed):
        assert result.returncode == 1
        assert words in result.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_resumed_with_other_settings(pretrained: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "copy"
    shutil.copytree(pretrained, work_dir)
    before = sorted(path.name for path in work_dir.iterdir())
    options = ("--cfg-options", *CONTRAST, "default_hooks.checkpoint.interval=1", "train_cfg.max_epochs=3", "fold=1")
    result = train(ROOT / "configs/ssal_synthgait.py", "--work-dir", work_dir, "--resume", *options, cwd=tmp_path)
    assert result.returncode == 1
    assert "train_cfg.max_epochs" in result.stderr and "fold" in result.stderr
    assert sorted(path.name for path in work_dir.iterdir()) == before


def test_code_in_a_checkpoint_is_never_run(pretrained: Path, tmp_path: Path) -> None:
    class Code:
        def __reduce__(self) -> tuple:
            return (open, (str(tmp_path / "owned"), "w"))

    torch.save({"state_dict": {}, "meta": Code()}, tmp_path / "evil.pth")
    config = ROOT / "configs/downstream/linear_synthgait.py"
    for name in ("evil.pth", f"https://localhost:1{tmp_path / 'evil.pth'}"):
        result = train(config, "--encoder", name, "--cfg-options", *SMALL, cwd=tmp_path)
        assert result.returncode == 1
        assert "no checkpoint" in result.stderr or "no such checkpoint" in result.stderr
    assert not (tmp_path / "owned").exists()


def test_amp_trains(tmp_path: Path) -> None:
    options = ("--amp", "--cfg-options", *CONTRAST, "train_cfg.max_epochs=1")
    result = train(ROOT / "configs/ssal_synthgait.py", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "AutocastOptimWrapper" in (tmp_path / "work_dirs/ssal_synthgait/ssal_synthgait.py").read_text()

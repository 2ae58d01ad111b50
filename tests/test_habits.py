"""What users of this family of projects look for by habit: tools/analysis, live curves, command-line options."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import run_here
from doc_pages import as_words, blocks_of, small_settings
from mmengine.config import Config
from runs import ROOT

from mmgaitemo.config import load_config
from mmgaitemo.registry import MODELS

SYNTH = ROOT / "configs/ssal_synthgait.py"


def ran(tool: str, *arguments: object, cwd: Path) -> str:
    done = run_here(f"tools/{tool}", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def refused(tool: str, *arguments: object, cwd: Path) -> str:
    done = run_here(f"tools/{tool}", *arguments, cwd=cwd)
    assert done.returncode == 1 and not list(cwd.iterdir())
    return done.stderr.splitlines()[-1]


def test_a_printed_config_is_the_config(tmp_path: Path) -> None:
    printed = ran("analysis/print_config.py", SYNTH, "--cfg-options", "fold=2", "model.drop=None", cwd=tmp_path)
    again = Config.fromstring(printed, ".py")
    assert again.to_dict() == load_config(SYNTH, {"fold": 2, "model.drop": None}).to_dict()
    assert again.val_dataloader.dataset.fold == 2


@torch.no_grad()
def products(module: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Multiplications of the linear layers of a call, by hand: output elements times inputs of each."""
    counts: list[int] = []

    def count(layer: torch.nn.Linear, _: Any, output: torch.Tensor) -> None:
        counts.append(output.numel() * layer.in_features)

    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(count)
    module.eval()(inputs)
    return sum(counts)


def test_operations_are_those_counted_by_hand(tmp_path: Path) -> None:
    config = tmp_path / "statistics.py"
    backbone = "dict(_delete_=True, type='JointStatistics', skeleton='egait16', hidden=20)"
    config.write_text(f"_base_ = {str(SYNTH)!r}\nmodel = dict(backbone={backbone}, drop=None)\n")
    printed = ran("analysis/get_flops.py", config, cwd=tmp_path)
    model = MODELS.build(load_config(config).model)
    rows = re.findall(r"^(\w+) +([\d,]+) parameters +([\d,]+) ", printed, re.M)
    for (name, *numbers), (module, inputs) in zip(
        rows,
        [(model.backbone, torch.zeros(1, 3, 48, 16)), (model.head, torch.zeros(1, 20))],
        strict=True,
    ):
        parameters, macs = (int(number.replace(",", "")) for number in numbers)
        assert parameters == sum(weight.numel() for weight in module.parameters()), name
        assert macs == products(module, inputs) > 0, name


def test_what_cannot_be_counted_is_said(tmp_path: Path) -> None:
    assert "--frames" in refused("analysis/get_flops.py", SYNTH, "--frames", "0", cwd=tmp_path)
    options = ("--cfg-options", "model.backbone.graph.kernel_size=4")
    assert "odd kernel_size" in refused("analysis/get_flops.py", SYNTH, *options, cwd=tmp_path)


def write_log(work_dir: Path, steps: int, epochs: int, slope: float) -> None:
    """A log as MMEngine writes it: every third step, and a probe at the end; then half a line of a killed process."""
    every = range(3, steps * epochs + 1, 3)
    lines: list[dict] = [
        {"lr": 0.1, "loss": slope * step, "epoch": -(-step // steps), "iter": step, "step": step} for step in every
    ]
    lines.append({"knn/accuracy": 0.25, "step": epochs})
    file = work_dir / "20260101_000000/vis_data/scalars.json"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(map(json.dumps, lines)) + '\n{"lr": 0.1, "lo')


def test_runs_are_compared_by_epochs(tmp_path: Path) -> None:
    write_log(tmp_path / "a", steps=4, epochs=6, slope=1.0)
    write_log(tmp_path / "b", steps=12, epochs=6, slope=-1.0)
    printed = ran("analysis/analyze_logs.py", "a", "b", "--out", "runs.png", cwd=tmp_path)
    rows = {line.split()[0]: re.findall(r"(\S+) @ (\S+)", line) for line in printed.splitlines()[2:]}
    assert rows["loss"] == [("24", "6"), ("-72", "6")]  # both end with epoch 6, after 24 and 72 steps
    assert rows["knn/accuracy"] == [("0.25", "6")] * 2
    assert (tmp_path / "runs.png").stat().st_size > 10_000


def test_runs_that_cannot_be_compared(tmp_path: Path) -> None:
    out = ("--out", "x.png")
    assert "no logged values" in refused("analysis/analyze_logs.py", "nowhere", *out, cwd=tmp_path)
    assert "named twice" in refused("analysis/analyze_logs.py", "a", "a", *out, cwd=tmp_path)
    (tmp_path / "in").mkdir()
    write_log(tmp_path / "run", steps=4, epochs=1, slope=1.0)
    done = run_here("tools/analysis/analyze_logs.py", "run", *out, "--keys", "los", cwd=tmp_path)
    assert done.returncode == 1 and "no run has logged this" in done.stderr and "'loss'" in done.stderr


def test_the_embedding_is_of_the_walks_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[np.ndarray, np.ndarray]] = []
    monkeypatch.setattr(
        "mmgaitemo.visualization.draw_embedding",
        lambda path, features, labels, *_, **__: drawn.append((features, labels)),
    )
    small = ("--cfg-options", *as_words(small_settings(SYNTH, {})))
    for split in ("test", "train"):
        ran("analysis/vis_embedding.py", SYNTH, "untrained", "x.png", "--split", split, *small, cwd=tmp_path)
    ran("analysis/vis_embedding.py", SYNTH, "untrained", "x.png", *small, cwd=tmp_path)
    (test, labels), (train, _), (again, _) = drawn
    assert (len(test), len(train)) == (8, 32)
    assert len(labels) == 8 and set(labels) == {0, 1, 2, 3}
    np.testing.assert_array_equal(test, again)  # the seed decides over an untrained encoder
    assert "PNG" in refused("analysis/vis_embedding.py", SYNTH, "untrained", "x.jpg", cwd=tmp_path)


def shown_config(number: int, tmp_path: Path) -> Path:
    """A config of docs/watching.md."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    text = [block.text for block in blocks_of("docs/watching.md") if block.language == "python"][number]
    path = tmp_path / text.split()[1]
    path.write_text(text)
    return path


def test_weights_and_biases_gets_what_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the package: no account, no network."""
    calls: list[tuple[str, dict]] = []
    stand_in: Any = types.ModuleType("wandb")
    stand_in.init = lambda **settings: calls.append(("init", settings))
    stand_in.log = lambda values, **_: calls.append(("log", values))
    stand_in.config = types.SimpleNamespace(update=lambda *args, **_: None)
    stand_in.run = types.SimpleNamespace(dir=str(tmp_path), log_code=lambda **_: None)
    stand_in.define_metric = stand_in.save = stand_in.join = lambda *_, **__: None
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    config = shown_config(1, tmp_path)
    ran("train.py", config, "--cfg-options", *as_words(small_settings(config, {})), cwd=tmp_path)
    assert calls[0][0] == "init" and calls[0][1]["project"] == "gait"
    assert {"loss", "knn/accuracy"} <= {name for _, values in calls[1:] for name in values}


def test_the_usual_options_of_training_are_there(tmp_path: Path) -> None:
    done = run_here("tools/train.py", "--help", cwd=tmp_path)
    for option in ("--cfg-options", "--work-dir", "--resume", "--amp", "--launcher"):
        assert option in done.stdout

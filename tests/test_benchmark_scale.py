"""The benchmark's parts epoch and study: what they count, and that nobody uses more threads than there are cores."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from runs import tiny_config

from mmgaitemo.benchmark import cell, ddp, epoch, limits, seeds, study
from mmgaitemo.benchmark.layouts import SwingingPoses, layout_of, with_sizes
from mmgaitemo.benchmark.runs import PHASES, train_epochs
from mmgaitemo.config import load_config
from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.registry import HOOKS

NAP = 0.03


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A tiny pre-training, as a file."""
    tiny_config(tmp_path / "work").dump(tmp_path / "tiny.py")
    return tmp_path / "tiny.py"


@HOOKS.register_module()
class NappingHook(Hook):
    """Sleeps in every iteration."""

    def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
        time.sleep(NAP)


def test_a_nap_is_found_where_it_was_taken(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = load_config(config)
    cfg.default_hooks.nap = dict(type="NappingHook")
    read = SwingingPoses.__getitems__
    monkeypatch.setattr(SwingingPoses, "__getitems__", lambda self, indices: time.sleep(2 * NAP) or read(self, indices))
    epochs = train_epochs(with_sizes(cfg, walks=24, frames=12, batch=8), 2, "cpu", detailed=True)
    assert len(epochs) == 2
    for seconds in epochs:
        assert set(seconds) == set(PHASES)
        assert all(value > 0 for value in seconds.values())
        assert seconds["hooks"] >= 3 * NAP
        assert seconds["data and loop"] >= 6 * NAP


def test_the_rough_clock_counts_the_whole_and_leaves_the_config_as_it_is(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SwingingPoses.__getitems__
    monkeypatch.setattr(SwingingPoses, "__getitems__", lambda self, indices: time.sleep(NAP) or read(self, indices))
    cfg = load_config(config)
    sized = with_sizes(cfg, walks=24, frames=12, joints=8, batch=8)
    before = cfg.to_dict(), sized.to_dict()
    (seconds,) = train_epochs(sized, 1, "cpu")
    assert set(seconds) == {"data and loop"}
    assert seconds["data and loop"] >= 3 * NAP
    assert (cfg.to_dict(), sized.to_dict()) == before


@pytest.mark.parametrize("joints", [8, 16, 28, 128])
def test_layouts_of_any_size_are_bodies_and_train(joints: int) -> None:
    layout = layout_of(joints)
    assert layout.num_joints == joints
    assert sorted(layout.mirror) == list(range(joints))
    assert len(set(layout.pairs)) == 2 * (joints - 4) // 4
    plain = dict(order=("time", "pack"), time=dict(type="Resample", length=20), pack=dict(type="PackGait"))
    assert SwingingPoses(pipeline=plain, skeleton=layout.name, walks=3).inputs.shape == (3, 3, 20, joints)


@pytest.mark.parametrize("joints", [4, 9, 0])
def test_what_is_no_body_is_named(joints: int) -> None:
    with pytest.raises(ConfigError, match="multiple of 4"):
        layout_of(joints)


@pytest.mark.parametrize("power", [0.0, 1.0, 1.7])
def test_the_slope_is_the_power(power: float) -> None:
    assert epoch.slope((1, 2, 4, 8), [3.0 * size**power for size in (1, 2, 4, 8)]) == pytest.approx(power)


def test_epoch_grows_one_axis_at_a_time_and_adds_up(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(cfg: Any, epochs: int, device: str, detailed: bool = False) -> list[dict[str, float]]:
        data = cfg.train_dataloader.dataset
        if detailed:
            return [dict(zip(PHASES, (4.0, 5.0, 0.5, 0.2, 0.2, 0.1), strict=True))] * epochs
        layout, frames = cfg.model.backbone.graph.skeleton, data.pipeline["time"]["length"]
        assert cfg.model.data_preprocessor.skeleton == cfg.model.backbone.image.skeleton == data.skeleton == layout
        asked.append(size := (data.walks, frames, int(layout.removeprefix("benchmark"))))
        return [{"data and loop": size[0] * size[1] ** 0.5 * size[2] ** 2}]

    monkeypatch.setattr(epoch, "train_epochs", counted)
    monkeypatch.setattr(epoch, "peak_mib", float)
    monkeypatch.setattr(limits, "measure", lambda device: {})
    smallest = dict(walks=16, frames=8, joints=8)
    result = epoch.run("cpu", 1, 2, str(config), smallest, batch=8, archives=(20, 200))
    assert json.loads(json.dumps(result)) == result
    assert result["growth"] == pytest.approx({"walks": 1.0, "frames": 0.5, "joints": 2.0})
    assert result["outside_share"] == pytest.approx(0.05)
    assert sum(result["shares"].values()) == pytest.approx(1)
    assert result["peak_mib"] == {"20": 20.0, "200": 200.0}
    grown = np.array(asked) // np.array([16, 8, 8])
    assert sorted(map(sorted, grown.tolist())) == sorted([[1, 1, f] for f in (1, 2, 4, 8)] * 6)


class Cells:
    """Stands for processes: their time is 6 seconds over their threads and ranks, and who runs is noted."""

    def __init__(self) -> None:
        self.started, self.running, self.most = 0, 0, 0

    def start(self, config: Path, epochs: int, threads: int, ranks: int = 0) -> Any:
        assert load_config(config).train_dataloader.dataset.walks == 32
        self.started += ranks == 0
        self.running += threads * max(ranks, 1)
        self.most = max(self.most, self.running)
        batch = load_config(config).train_dataloader.batch_size
        return SimpleNamespace(threads=threads, ranks=max(ranks, 1), batch=batch, kill=lambda: None)

    def finish(self, process: Any) -> dict[str, Any]:
        self.running -= process.threads * process.ranks
        return {"threads": process.threads, "seconds": [6.0 / process.ranks ** (0.5 if process.batch == 4 else 1.0)]}


def test_study_never_runs_more_threads_than_cores(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Cells()
    for module in (study, ddp):
        monkeypatch.setattr(module, "start", cells.start)
        monkeypatch.setattr(module, "finish", cells.finish)
    monkeypatch.setattr(limits, "measure", lambda device: {})
    result = study.run("cpu", 2, 1, str(config), walks=32, batch=8, epochs=1, ranks=(1, 2))
    assert cells.started == 3 * 2  # two in each of three ways
    assert cells.most == 2
    assert cells.running == 0
    assert json.loads(json.dumps(result)) == result
    assert result["ddp_efficiency"]["same_batch_per_rank"] == pytest.approx({"1": 1.0, "2": 1.0})
    assert result["ddp_efficiency"]["same_total_batch"] == pytest.approx({"1": 1.0, "2": 0.5**0.5})
    assert set(result["seeds_speedup"]) == {"vmap", "grouped"}
    assert {"cells_efficiency", "cells_speedup_over_threads", "machine", "results"} <= set(result)


WATCHER = """
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmgaitemo.registry import HOOKS

@HOOKS.register_module()
class WatchingHook(Hook):
    def before_train(self, runner):
        assert get_world_size() == 2 and is_model_wrapper(runner.model)
        assert len(runner.train_dataloader) == 2  # a half of the four batches
"""


def test_ranks_share_the_walks_and_the_gradients(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watcher.py").write_text(WATCHER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    cfg = with_sizes(load_config(config), walks=16, frames=12, batch=4)
    cfg.custom_imports = dict(imports=["watcher"])
    cfg.default_hooks.watching = dict(type="WatchingHook")
    cfg.dump(tmp_path / "cell.py")
    measured = cell.finish(cell.start(tmp_path / "cell.py", 1, threads=1, ranks=2))
    assert measured["threads"] == 1
    assert len(measured["seconds"]) == 1


def test_a_cell_that_fails_says_why() -> None:
    failing = subprocess.Popen([sys.executable, "-c", "raise OSError('no room')"], stderr=subprocess.PIPE, text=True)
    with pytest.raises(TrainingError, match=r"(?s)exit code 1.*OSError: no room"):
        cell.finish(failing)


def test_grouped_seeds_are_the_seeds_side_by_side() -> None:
    ones, both = [seeds.encoder(), seeds.encoder()], seeds.encoder(2)
    states = [one.state_dict() for one in ones]
    both.load_state_dict(
        {key: torch.cat([state[key] for state in states]) if value.ndim else value for key, value in states[0].items()}
    )
    walks = torch.randn(2, 5, 3, 48, 16)
    expected = torch.cat([one(x) for one, x in zip(ones, walks, strict=True)], dim=1)
    assert torch.allclose(both(walks.transpose(0, 1).reshape(5, 6, 48, 16)), expected, atol=1e-5)

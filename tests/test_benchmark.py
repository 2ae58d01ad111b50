"""The benchmark: what it times and counts, and its command line."""

from __future__ import annotations

import json
import runpy
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import ROOT, TINY_ENCODER
from torch import nn

from mmgaitemo.benchmark import limits, machine, stopwatch
from mmgaitemo.benchmark.operations import by_operation, encoder_macs
from mmgaitemo.benchmark.roofline import by_kind, layers
from mmgaitemo.benchmark.timing import Timing, interleaved

LIMITS = {"sgemm": 1e11, "bandwidth": 1e10}


def test_variants_are_called_in_turn_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    timings = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, warmup=2)
    assert calls == ["a", "b"] * 5
    assert [len(timings[name].seconds) for name in "ab"] == [3, 3]


def test_timing_keeps_the_middle_and_the_spread() -> None:
    timing = Timing((3.0, 1.0, 7.0))
    assert (timing.median, timing.low, timing.high) == (3.0, 1.0, 7.0)
    assert timing.summary(6)["samples_per_second"] == 2.0
    assert "samples_per_second" not in timing.summary()


def test_every_second_counts_to_one_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()  # one second passes between two looks at the clock
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(clock))
    watch, model = stopwatch.Stopwatch(), nn.Linear(1, 1)
    watch.watch(model, "forward", lambda x: "inner" if x.sum() > 0 else "other")
    with watch.phase("outer"):
        model(torch.ones(1, 1))
        model(-torch.ones(1, 1))
    assert watch.take() == {"outer": 3, "inner": 1, "other": 1}
    assert watch.take() == {}


def test_limits_are_positive_and_threads_are_given_back() -> None:
    assert limits.sgemm(size=64, rounds=1) > 0 and limits.bandwidth(megabytes=1, rounds=1) > 0
    with machine.using_threads(3):
        assert machine.describe()["threads"] == 3
    assert torch.get_num_threads() == 1


def test_macs_are_those_counted_by_hand() -> None:
    frames, joints, (narrow, wide), kernel = 24, 16, (4, 8), 5
    config = dict(type="STGCN", skeleton="egait16", channels=(narrow, wide), strides=(1, 2), kernel_size=kernel)
    place = frames * joints
    graph = place * (3 * 3 * narrow + 3 * joints * narrow) + place * (narrow * 3 * wide + 3 * joints * wide)
    time = place * kernel * narrow**2 + place // 2 * kernel * wide**2
    residual = place // 2 * narrow * wide
    assert encoder_macs(config, "egait16", frames) == graph + time + residual


def test_layers_are_held_against_what_they_need() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 8, (3, 1), padding=(1, 0), bias=False)
            self.rest = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(inplace=True))
            self.last = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.rest(self.first(x))).mean((2, 3))

    rows = {row["layer"]: row for row in layers(Block(), torch.randn(2, 3, 6, 5), LIMITS, rounds=2)}
    assert {"first", "rest.0", "rest.1", "last"} <= set(rows)
    size = 2 * 6 * 5
    assert rows["first"]["flops"] == 2 * 2 * size * 3 * 3 * 8  # the input needs no gradient
    assert rows["last"]["flops"] == 3 * 2 * size * 9 * 8
    assert rows["first"]["bytes"] == 4 * (2 * size * 3 + 2 * size * 8 + 3 * 3 * 3 * 8)
    assert rows["rest.1"]["bytes"] == 4 * 5 * size * 8 and rows["rest.1"]["limit"] == "bandwidth"
    for row in rows.values():
        needed = max(row["flops"] / LIMITS["sgemm"], row["bytes"] / LIMITS["bandwidth"])
        assert row["share_of_limit"] == pytest.approx(needed / row["seconds"])
    kinds = {row["kind"]: row for row in by_kind(list(rows.values()))}
    assert kinds["Conv2d"]["layers"] == 2
    assert kinds["Conv2d"]["flops"] == rows["first"]["flops"] + rows["last"]["flops"]


def test_time_of_a_call_is_shared_out_among_its_operations() -> None:
    a = torch.randn(700, 700)  # the product takes by far the longest, on a busy machine too
    rows = by_operation(lambda: (a @ a).relu().sum().cos(), "cpu", most=2)
    assert "aten::mm" in {row["operation"] for row in rows}
    assert len(rows) == 3 and "others" in rows[-1]["operation"]
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def benchmark(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> str:
    """Run the tool in this process; its last words: "" or the error."""
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *map(str, arguments)])
    monkeypatch.setattr(limits, "measure", lambda device: LIMITS)
    try:
        runpy.run_path(str(ROOT / "tools" / "benchmark.py"), run_name="__main__")
    except SystemExit as end:
        return str(end.code)
    return ""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pre-training config with a tiny encoder and short walks."""
    path = tmp_path_factory.mktemp("configs") / "tiny.py"
    lines = [f"_base_ = {str(ROOT / 'configs' / 'ssal_synthgait.py')!r}", "pipeline = dict(time=dict(length=24))"]
    graph, image = (
        {key.rpartition(".")[2]: value for key, value in TINY_ENCODER.items() if f".{branch}." in key}
        for branch in ("graph", "image")
    )
    lines += [f"model = dict(backbone=dict(graph={graph}, image={image}))"]
    path.write_text("\n".join(lines) + "\n")
    return path


FIGURES = {
    "views": ("share_of_step", "speedup_aimclr"),
    "data": (),
    "step": ("macs_per_sample", "breakdown", "layers", "kinds", "operations", "layers_at_limit"),
    "infer": ("milliseconds_one", "milliseconds_of_many", "onnx"),
}
OPTIONS = {"views": ("--batch", 4), "data": ("--batch", 4, "--workers", 1), "step": ("--batch", 4, "--workers", 1)}


@pytest.mark.parametrize("part", FIGURES)
def test_every_part_runs_and_keeps_its_figures(
    part: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out, picture = tmp_path / "new" / "out.json", tmp_path / "new" / "out.png"
    options = [*OPTIONS.get(part, ()), *(["--picture", picture] if part == "step" else [])]
    assert benchmark(monkeypatch, part, "--threads", 1, "--rounds", 2, "--config", tiny, "--json", out, *options) == ""
    result = json.loads(out.read_text())
    assert result["part"] == part and result["machine"]["threads"] == 1 and result["settings"]["rounds"] == 2
    assert {"limits", "results", "speedup", "share_of_limit", *FIGURES[part]} <= set(result)
    assert result.get("onnx", "ok") == "ok"
    medians = {name: figures["median"] for name, figures in result["results"].items()}
    assert all(figures["low"] <= figures["median"] <= figures["high"] for figures in result["results"].values())
    ours, reference = ("ours_1", "reference_1") if part == "infer" else ("ours", "reference")
    assert result["speedup"] == pytest.approx(medians[reference] / medians[ours])
    printed = capsys.readouterr().out
    assert "threads 1" in printed and "speedup" in printed and all(name in printed for name in medians)
    if part == "step":
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert all(sum(phases.values()) > 0 for phases in result["breakdown"].values())
        phases = result["breakdown"]["ours"]
        assert all(phases[name] > 0 for name in phases), phases  # all that is watched is still there
        rate = 2 * 7 * result["macs_per_sample"] * 4 / medians["ours"]
        assert result["share_of_limit"] == pytest.approx(rate / LIMITS["sgemm"])


def test_what_cannot_be_measured_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    without_strong = ROOT / "configs" / "baselines" / "skeletonclr_stgcn_egait.py"
    assert "strong view" in benchmark(monkeypatch, "step", "--config", without_strong)
    assert "no such config" in benchmark(monkeypatch, "views", "--config", tmp_path / "none.py")
    if not torch.cuda.is_available():
        assert "no such device" in benchmark(monkeypatch, "step", "--device", "cuda")
    assert benchmark(monkeypatch, "step", "--rounds", 0) == "2"
    assert "at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("--json", "", "--json: is a folder"),
        ("--json", "file/out.json", "--json: cannot be written"),
        ("--picture", "out.svg", "--picture: pictures are PNG files"),
        ("--picture", "file/out.png", "--picture: cannot be written"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused_before_measuring(
    option: str, name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("mmgaitemo.benchmark.step.run", lambda *_, **__: pytest.fail("it measured"))
    assert words in benchmark(monkeypatch, "step", option, tmp_path / name)

"""Part ``step``: a full step of pre-training, ours and the AimCLR way, on the same encoder."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from mmengine.config import Config

from mmgaitemo.benchmark import limits, machine, operations, roofline
from mmgaitemo.benchmark.layouts import random_walks
from mmgaitemo.benchmark.our_step import OurStep, read_config, shown
from mmgaitemo.benchmark.reference_step import ReferenceStep
from mmgaitemo.benchmark.stopwatch import Stopwatch
from mmgaitemo.benchmark.timing import Timing, interleaved

Step = OurStep | ReferenceStep
PHASES = ("data", "views", "query", "key", "loss", "backward", "optimiser", "hooks")
SWITCHES: dict[str, dict[str, Any]] = {
    "no key dropout": {"model.key_dropout": False},
    "bfloat16": {"optim_wrapper.type": "AutocastOptimWrapper"},
    "compiled": {"model.compile": dict(mode="default")},
}
STEPS = {"cpu": 1, "cuda": 20}  # per round: enough that the reference cannot live on batches drawn between rounds
NOTE = (
    "share_of_limit: MACs of the encoder in its reference form (7 forward passes a step; FFT, norms and activations "
    "excluded) over the time of the whole step, against the measured sgemm"
)


def run(
    device: str,
    threads: int,
    rounds: int,
    config: str | None = None,
    batch: int = 128,
    workers: int = 4,
    compiled: bool = False,
) -> dict[str, Any]:
    """Time steps of both, and of ours with its switches, A B A B, and say where the time goes.

    Args:
        device: "cpu" or "cuda".
        threads: Threads of PyTorch in this process; the reference's workers come on top.
        rounds: Timed rounds.
        config: Pre-training config; None is ``configs/ssal_egait_quarter.py``.
        batch: Walks in a step.
        workers: Processes that draw the reference's views.
        compiled: Also time compiled encoders; ``compile_seconds`` is their first step.
    """
    cfg = read_config(config, "ssal_egait_quarter.py")
    with machine.using_threads(threads):
        dataset = random_walks(cfg, 2 * batch)
        walks = dataset.inputs
        ours = OurStep(cfg, dataset, batch, device)
        steps: dict[str, Step] = {"ours": ours, "reference": ReferenceStep(cfg, walks, batch, workers, device)}
        for name, changes in SWITCHES.items():
            if compiled or name != "compiled":
                steps[f"ours, {name}"] = OurStep(_changed(cfg, changes), dataset, batch, device)
        compile_seconds = _seconds(steps["ours, compiled"]) if compiled else None
        measured = limits.measure(device)
        repeats = STEPS[device.partition(":")[0]]
        timings = interleaved({name: _repeated(step, repeats) for name, step in steps.items()}, rounds, 1, device)
        timings = {name: Timing(tuple(value / repeats for value in timing.seconds)) for name, timing in timings.items()}
        breakdown = {name: _breakdown(steps[name], rounds, device) for name in ("ours", "reference")}
        frames = walks.shape[2]
        macs = operations.encoder_macs(cfg.model.backbone, cfg.model.data_preprocessor.skeleton, frames)
        rate = 2 * macs * operations.FORWARDS_PER_STEP * batch / timings["ours"].median
        rows = roofline.layers(ours.model.backbone, walks[:batch].to(device), measured, rounds)
        settings = {"config": shown(cfg), "batch": batch, "frames": frames, "joints": walks.shape[3]}
        return {
            "part": "step",
            "machine": machine.describe(device),
            "settings": {**settings, "rounds": rounds, "steps_per_round": repeats, "workers": workers},
            "limits": measured,
            "results": {name: timing.summary(batch) for name, timing in timings.items()},
            "speedup": timings["reference"].median / timings["ours"].median,
            "speedups": {
                name: timings["reference"].median / timing.median
                for name, timing in timings.items()
                if name.startswith("ours, ")
            },
            **({} if compile_seconds is None else {"compile_seconds": compile_seconds}),
            "share_of_limit": rate / measured["sgemm"],
            "macs_per_sample": macs,
            "note": NOTE,
            "breakdown": breakdown,
            "kinds": roofline.by_kind(rows),
            "layers": rows,
            "layers_at_limit": roofline.attained(rows),
            "operations": operations.by_operation(ours, device),
        }


def _changed(cfg: Config, changes: dict[str, Any]) -> Config:
    changed = copy.deepcopy(cfg)
    changed.merge_from_dict(changes)
    return changed


def _seconds(step: Step) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def _repeated(step: Step, repeats: int) -> Callable[[], None]:
    def call() -> None:
        for _ in range(repeats):
            step()

    return call


def _breakdown(step: Step, rounds: int, device: str) -> dict[str, float]:
    """Phase to its mean seconds in a step."""
    stopwatch = Stopwatch(device)
    step.attach(stopwatch)
    for _ in range(rounds):
        step()
    seconds = stopwatch.take()
    return {phase: seconds.get(phase, 0.0) / rounds for phase in PHASES}

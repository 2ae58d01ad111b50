"""Part ``epoch``: what a training epoch costs beside learning, how it grows, and how much memory an archive takes."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from mmengine.config import Config

from mmgaitemo.benchmark import limits, machine
from mmgaitemo.benchmark.layouts import with_sizes
from mmgaitemo.benchmark.memory import peak_mib
from mmgaitemo.benchmark.our_step import CONFIGS, read_config, shown
from mmgaitemo.benchmark.runs import LEARNING, PHASES, train_epochs
from mmgaitemo.benchmark.timing import Timing
from mmgaitemo.config import load_config

FACTORS = (1, 2, 4, 8)
SMALLEST = dict(walks=64, frames=24, joints=8)
BATCH = 32
ARCHIVES = (2000, 20000)


def run(
    device: str,
    threads: int,
    rounds: int,
    config: str | None = None,
    smallest: dict[str, int] = SMALLEST,
    batch: int = BATCH,
    archives: tuple[int, int] = ARCHIVES,
) -> dict[str, Any]:
    """Train epochs through MMEngine's Runner.

    Args:
        device: "cpu", or "cuda" where the Runner finds it.
        threads: Threads of PyTorch.
        rounds: Epochs that count; for the growth, rounds over all sizes.
        config: Pre-training config; None is ``configs/ssal_synthgait.py`` with the default encoder.
        smallest: ``walks`` (N), ``frames`` (T) and ``joints`` (V) that are grown, one at a time, by ``FACTORS``.
        batch: Walks in a step while they are grown.
        archives: Walks in a small and a large archive.

    Returns:
        Among others ``outside_share``: of an epoch, outside forward, backward and optimiser; ``growth``: N, T and V to
        the slope of log seconds over log size, 1 where they are proportional; ``peak_mib``: walks in an archive to
        the peak memory of a process that opens and reads it.
    """
    cfg = read_config(config, "ssal_synthgait.py")
    if config is None:  # its own encoder is one for the quick start
        cfg.model.backbone = load_config(CONFIGS / "_base_" / "cffn.py").model.backbone
    with machine.using_threads(threads):
        epochs = train_epochs(cfg, rounds, device, detailed=True)
        seconds = _growing(cfg, smallest, batch, rounds, device)
        measured = limits.measure(device)
        described = machine.describe(device)
    whole = Timing(tuple(sum(epoch.values()) for epoch in epochs))
    shares = {
        name: statistics.median(
            epoch.get(name, 0.0) / total for epoch, total in zip(epochs, whole.seconds, strict=True)
        )
        for name in PHASES
    }
    outside = [1 - sum(epoch[name] for name in LEARNING) / sum(epoch.values()) for epoch in epochs]
    return {
        "part": "epoch",
        "machine": described,
        "settings": {
            "config": shown(cfg),
            "encoder": "of the config" if config else "default",
            "rounds": rounds,
            "batch": cfg.train_dataloader.batch_size,
            "growth": {"batch": batch, "smallest": dict(smallest), "factors": list(FACTORS)},
        },
        "limits": measured,
        "results": {
            "epoch": whole.summary(),
            **{
                f"{axis} = {smallest[axis] * factor}": timing.summary(
                    smallest["walks"] * (factor if axis == "walks" else 1)
                )
                for axis, timings in seconds.items()
                for factor, timing in zip(FACTORS, timings, strict=True)
            },
        },
        "shares": shares,
        "outside_share": statistics.median(outside),
        "growth": {axis: slope(FACTORS, [timing.median for timing in timings]) for axis, timings in seconds.items()},
        "peak_mib": {str(walks): peak_mib(walks) for walks in archives},
    }


def _growing(cfg: Config, smallest: dict[str, int], batch: int, rounds: int, device: str) -> dict[str, list[Timing]]:
    """Axis to the time of an epoch at each factor; all sizes in turn, round after round."""
    sizes = [(axis, factor) for axis in smallest for factor in FACTORS]
    configs = {
        (axis, factor): with_sizes(cfg, **{**smallest, axis: smallest[axis] * factor}, batch=batch)
        for axis, factor in sizes
    }
    seconds: dict[tuple[str, int], list[float]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            (epoch,) = train_epochs(configs[size], 1, device)
            seconds[size].append(sum(epoch.values()))
    return {axis: [Timing(tuple(seconds[axis, factor])) for factor in FACTORS] for axis in smallest}


def slope(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """Exponent of the power law that fits best: 1 where the time is proportional to the size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])

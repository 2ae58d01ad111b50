"""Part ``study``: many short runs on a few cores, in whichever way is fastest."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from mmgaitemo.benchmark import ddp, limits, machine, seeds
from mmgaitemo.benchmark.cell import finish, start
from mmgaitemo.benchmark.layouts import with_sizes
from mmgaitemo.benchmark.our_step import read_config, shown
from mmgaitemo.benchmark.timing import interleaved

WALKS, BATCH = 256, 32
EPOCHS = 4  # of a cell: enough that its start, some seconds of imports, does not decide


def run(
    device: str,
    threads: int,
    rounds: int,
    config: str | None = None,
    walks: int = WALKS,
    batch: int = BATCH,
    epochs: int = EPOCHS,
    ranks: tuple[int, ...] = (1, 2, 4),
) -> dict[str, Any]:
    """Compare ways to share the cores: between cells of a study, seeds in a process, and ranks of a run.

    Args:
        device: "cpu"; this part is about its cores.
        threads: Cores to share: so many cells at a time, or so many threads for one.
        rounds: Of everything.
        config: Pre-training config; None is ``configs/ssal_synthgait.py``. Its walks are replaced by made-up ones.
        walks: In an epoch.
        batch: Walks in a step.
        epochs: Of a cell that count.
        ranks: Processes of a distributed run; the first is 1.

    Returns:
        Among others ``cells_efficiency``: the time of ``threads`` cells one after another, with one thread, over
        ``threads`` times that of all at once; ``seeds_speedup``: time of seeds one by one over that of all in one
        network, by way; ``ddp_efficiency``: see ``ddp.measure``.
    """
    cfg = read_config(config, "ssal_synthgait.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cell.py"
        with_sizes(cfg, walks=walks, frames=48, batch=batch).dump(path)
        variants = {
            "one after another, 1 thread": partial(_cells, path, threads, 1, 1, epochs),
            f"one after another, {threads} threads": partial(_cells, path, threads, 1, threads, epochs),
            f"{threads} at a time, 1 thread each": partial(_cells, path, threads, threads, 1, epochs),
        }
        timings = interleaved(variants, rounds, 0)
        alone, threaded, together = timings.values()
        ranked, ddp_efficiency = ddp.measure(cfg, Path(folder), ranks, rounds, walks, batch)
    with machine.using_threads(1):
        seeded = seeds.measure(threads, batch, rounds)
    with machine.using_threads(threads):
        described, measured = machine.describe(device), limits.measure(device)
    trained = threads * (epochs + 1) * walks
    return {
        "part": "study",
        "machine": described,
        "settings": {
            "config": shown(cfg),
            "cells": threads,
            "walks": walks,
            "batch": batch,
            "epochs": epochs + 1,
            "rounds": rounds,
        },
        "limits": measured,
        "results": {
            **{f"cells: {name}": timing.summary(trained) for name, timing in timings.items()},
            **{f"{threads} seeds: {name}": timing.summary(threads * batch) for name, timing in seeded.items()},
            **{f"ranks: {name}": summary for name, summary in ranked.items()},
        },
        "cells_efficiency": alone.median / together.median / threads,
        "cells_speedup_over_threads": threaded.median / together.median,
        "seeds_speedup": {name: seeded["one by one"].median / seeded[name].median for name in ("vmap", "grouped")},
        "ddp_efficiency": ddp_efficiency,
    }


def _cells(config: Path, count: int, at_a_time: int, threads: int, epochs: int) -> None:
    """So many cells, some of them at a time; each is told its threads, so that they never outnumber the cores."""
    for first in range(0, count, at_a_time):
        running = [start(config, epochs, threads) for _ in range(first, min(first + at_a_time, count))]
        try:
            for cell in running:
                finish(cell)
        finally:  # however it ends, no cell goes on unseen
            for cell in running:
                cell.kill()

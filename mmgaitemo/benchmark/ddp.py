"""What more processes bring to one run: MMEngine's DistributedDataParallel on gloo, one thread each."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmgaitemo.benchmark.cell import finish, start
from mmgaitemo.benchmark.layouts import with_sizes
from mmgaitemo.benchmark.timing import Timing

KINDS = ("same_total_batch", "same_batch_per_rank")


def measure(
    cfg: Config, folder: Path, ranks: tuple[int, ...], rounds: int, walks: int, batch: int
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Time epochs of every number of ranks in turn, without the start of the processes.

    Args:
        cfg: Pre-training config; walks and layout are made up.
        folder: For the configs that the processes read.
        ranks: Numbers of processes; the first is 1.
        rounds: Of all of them.
        walks: In an epoch, of all processes together.
        batch: Of all processes together in the one kind, of each in the other.

    Returns:
        Timings (name to median, low, high and samples per second) and efficiency: kind to ranks to the samples per
        second of as many processes over as many times those of one.
    """
    seconds: dict[tuple[str, int], list[float]] = {(kind, count): [] for kind in KINDS for count in ranks}
    for round_ in range(rounds):
        for (kind, count), values in seconds.items():
            config = folder / f"{kind}_{count}.py"
            if round_ == 0:
                each = batch // count if kind == "same_total_batch" else batch
                with_sizes(cfg, walks=walks, frames=48, batch=each).dump(config)
            values += finish(start(config, 1, threads=1, ranks=count))["seconds"]
    summaries = {f"{kind}, {count}": Timing(tuple(values)).summary(walks) for (kind, count), values in seconds.items()}
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    efficiency = {
        kind: {str(count): medians[kind, 1] / medians[kind, count] / count for count in ranks} for kind in KINDS
    }
    return summaries, efficiency

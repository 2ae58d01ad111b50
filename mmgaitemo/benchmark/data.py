"""Part ``data``: from the data set to batches of views on the device."""

from __future__ import annotations

from typing import Any

from mmgaitemo.benchmark import limits, machine
from mmgaitemo.benchmark.layouts import random_walks
from mmgaitemo.benchmark.our_step import endless, our_loader, read_config, shown
from mmgaitemo.benchmark.reference_views import ReferenceViews, SSALViews, received, reference_loader
from mmgaitemo.benchmark.timing import interleaved
from mmgaitemo.registry import MODELS
from mmgaitemo.skeleton import get_skeleton

BATCHES = 20  # per round: the start of the reference's workers is spread over an epoch, as in a run


def run(
    device: str, threads: int, rounds: int, config: str | None = None, batch: int = 128, workers: int = 4
) -> dict[str, Any]:
    """Time epochs of batches of three views: ours, the loader alone, and the reference's with and without workers.

    Args:
        device: Where the batches have to arrive, "cpu" or "cuda".
        threads: Threads of PyTorch.
        rounds: Timed rounds of ``BATCHES`` batches.
        config: Pre-training config; None is ``configs/ssal_egait_quarter.py``.
        batch: Walks in a batch.
        workers: Processes of the reference; they start anew each round, as the public code does each epoch.
    """
    cfg = read_config(config, "ssal_egait_quarter.py")
    with machine.using_threads(threads):
        dataset = random_walks(cfg, 4 * batch)
        walks = dataset.inputs
        preprocessor = MODELS.build(cfg.model.data_preprocessor).to(device)
        preprocessor.seed(0)
        ours = endless(our_loader(cfg, dataset, batch))
        reference = ReferenceViews(walks.numpy(), SSALViews(get_skeleton(cfg.model.data_preprocessor.skeleton)))

        def epoch_of_ours(draw_views: bool) -> None:
            for _ in range(BATCHES):
                preprocessor(next(ours), draw_views)

        def epoch_of_reference(processes: int) -> None:
            for views, _ in reference_loader(reference, batch, BATCHES, processes, device):
                received(views, device)

        variants = {
            "ours": lambda: epoch_of_ours(True),
            "ours_without_views": lambda: epoch_of_ours(False),
            "reference": lambda: epoch_of_reference(workers),
            "reference_one_process": lambda: epoch_of_reference(0),
        }
        timings = interleaved(variants, rounds, 1, device)
        measured = limits.measure(device)
        moved = BATCHES * batch * walks[0].nbytes * 8  # read and written: by the loader 2, by the three views 2 each
        return {
            "part": "data",
            "machine": machine.describe(device),
            "settings": {
                "config": shown(cfg),
                "batch": batch,
                "batches": BATCHES,
                "frames": walks.shape[2],
                "joints": walks.shape[3],
                "rounds": rounds,
                "workers": workers,
            },
            "limits": measured,
            "results": {name: timing.summary(BATCHES * batch) for name, timing in timings.items()},
            "speedup": timings["reference"].median / timings["ours"].median,
            "share_of_limit": moved / timings["ours"].median / measured["bandwidth"],
        }

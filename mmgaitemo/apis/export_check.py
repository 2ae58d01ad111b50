"""Whether an exported graph gives the probabilities that PyTorch gives, on walks, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from mmengine.dataset import Compose

from mmgaitemo.apis.export import GaitGraph, Run
from mmgaitemo.apis.published import PublishedModel, features_of
from mmgaitemo.archive import GaitArchive
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.datasets.synthetic_walks import RATE, synthetic_walks
from mmgaitemo.errors import ConfigError
from mmgaitemo.motion.axes import upright
from mmgaitemo.motion.resampling import resample_rate
from mmgaitemo.skeleton import EGAIT16, get_skeleton

BATCHES = (1, 7, 64)
WALKS = 100
LIMIT = 1e-4
SECONDS = 1.0  # of timing, for each batch size


class PlainModel:
    """The model as Python uses it: the pipeline walk by walk in NumPy, then the network in PyTorch.

    Args:
        published: The model, on the CPU.
    """

    def __init__(self, published: PublishedModel) -> None:
        transforms = build_pipeline(published.pipeline).transforms
        done_before = len(GaitGraph(published).outside)
        self.before, self.pipeline = Compose(transforms[:done_before]), Compose(transforms[done_before:])
        self.skeleton = get_skeleton(published.meta["skeleton"])
        self.published = published

    def prepare(self, positions: np.ndarray, rate: float, up: str) -> np.ndarray:
        """(T, V, 3) of a recording to what the graph takes, (T', V, 3) float32."""
        positions = resample_rate(upright(positions, up, self.skeleton), rate, self.published.meta["rate"])
        return self.before(self._results(positions))["positions"].astype(np.float32)

    @torch.no_grad()
    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, T, V, 3) to probabilities (N, C) and distances (N,)."""
        inputs = torch.stack([self.pipeline(self._results(walk.astype(np.float64)))["inputs"] for walk in positions])
        features = features_of(self.published.model, inputs)
        probabilities = (self.published.model.head(features) / self.published.calibration["temperature"]).softmax(1)
        return probabilities.numpy(), self.published.novelty.distance(features, inputs).numpy()

    def _results(self, positions: np.ndarray) -> dict:
        up, rate = "xyz"[self.skeleton.up], self.published.meta["rate"]
        return {"id": "walk", "positions": positions, "skeleton": self.skeleton, "rate": rate, "up": up, "unit": "body"}


def example_walks(plain: PlainModel, archive: Path | None) -> list[np.ndarray]:
    """Up to ``WALKS`` walks as the graph takes them, (T, V, 3) float32: of an archive, or synthetic.

    Raises:
        ConfigError: The walks are in another layout than the model, or the archive's rate is not known.
    """
    skeleton = plain.skeleton
    if archive is None:
        if skeleton != EGAIT16:
            raise ConfigError(
                "--gaits",
                "there are no synthetic walkers of the model's layout to check the graph on",
                found=skeleton.name,
                remedy="name an archive of walks",
            )
        return [plain.prepare(walk.positions, RATE, "y") for walk in synthetic_walks(WALKS // 4, 1, seed=1)]
    with GaitArchive(archive) as opened:
        info = opened.info
        if info.skeleton != skeleton.name or info.rate is None:
            raise ConfigError(
                str(archive),
                "the archive is in another layout than the model, or does not say its rate",
                found=f"{info.skeleton!r}, rate {info.rate}",
                remedy=f"convert the recordings to {skeleton.name!r} with their rate",
            )
        return [plain.prepare(walk, info.rate, info.up) for walk in opened.iterate(range(len(opened))[:WALKS])]


def batches_of(walks: Sequence[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The walks in batches (N, T, V, 3) of at most so many; in each, all are repeated to the length of the longest."""
    for start in range(0, len(walks), size):
        batch = walks[start : start + size]
        frames = np.arange(max(map(len, batch)))
        yield np.stack([walk[frames % len(walk)] for walk in batch])


def largest_difference(run: Run, plain: Run, walks: Sequence[np.ndarray], size: int) -> float:
    """Largest difference of a probability, or of a distance (over 1 where it is larger), in batches of a size.

    A difference that is no number counts as infinite.
    """
    largest = 0.0
    for batch in batches_of(walks, size):
        (probabilities, distance), (right, far) = run(batch), plain(batch)
        apart = np.concatenate([np.abs(probabilities - right).ravel(), np.abs(distance - far) / np.maximum(far, 1)])
        largest = max(largest, float(np.nan_to_num(apart, nan=np.inf).max()))
    return largest


def latency(run: Run, walks: Sequence[np.ndarray], size: int) -> float:
    """Median milliseconds that a batch of this size takes."""
    batch = next(batches_of([walks[number % len(walks)] for number in range(size)], size))
    run(batch)
    taken: list[float] = []
    end = perf_counter() + SECONDS
    while not taken or perf_counter() < end:
        start = perf_counter()
        run(batch)
        taken.append(perf_counter() - start)
    return 1000 * median(taken)

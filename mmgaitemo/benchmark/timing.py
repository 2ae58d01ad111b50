"""Timing variants against each other in one process: A B A B, so that a slow minute of the machine hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of one variant.

    Args:
        seconds: One per round, in order; at least one.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds of the round in the middle."""
        return statistics.median(self.seconds)

    @property
    def low(self) -> float:
        """Seconds of the fastest round."""
        return min(self.seconds)

    @property
    def high(self) -> float:
        """Seconds of the slowest round."""
        return max(self.seconds)

    def summary(self, samples: int | None = None) -> dict[str, float]:
        """Median, low and high in seconds, and samples per second at the median where the samples are given."""
        figures = {"median": self.median, "low": self.low, "high": self.high}
        return figures if samples is None else {**figures, "samples_per_second": samples / self.median}


def interleaved(
    variants: Mapping[str, Callable[[], object]],
    rounds: int = 5,
    warmup: int = 1,
    device: torch.device | str = "cpu",
) -> dict[str, Timing]:
    """Call every variant once a round, in their order, and time each call.

    Args:
        variants: Name to what is timed. What a call returns is dropped.
        rounds: Timed calls of each, at least 1.
        warmup: Calls of each, interleaved as well, that come first and are not timed.
        device: Device the variants work on; it is waited for before the clock is read.

    Returns:
        Name to ``Timing``, in the same order.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(warmup + rounds):
        for name, call in variants.items():
            synchronise(device)
            start = time.perf_counter()
            call()
            synchronise(device)
            if number >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def synchronise(device: torch.device | str) -> None:
    """Wait until the device has done what it was asked for; a CPU always has."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)

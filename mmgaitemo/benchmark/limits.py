"""What the machine can do at best: the matrix product and the copy, measured with the threads that are set."""

from __future__ import annotations

import torch

from mmgaitemo.benchmark.timing import interleaved


def sgemm(device: torch.device | str = "cpu", size: int = 2048, rounds: int = 7) -> float:
    """FLOP/s of a float32 product of two square matrices, the best of several.

    Args:
        device: Where.
        size: Rows of the matrices. At 2048 the product is bound by arithmetic, not by memory.
        rounds: Attempts.
    """
    a, b, out = (torch.randn(size, size, device=device) for _ in range(3))
    best = interleaved({"sgemm": lambda: torch.mm(a, b, out=out)}, rounds, 2, device)["sgemm"].low
    return 2 * size**3 / best


def bandwidth(device: torch.device | str = "cpu", megabytes: int = 256, rounds: int = 7) -> float:
    """Bytes per second read and written by a copy, the best of several.

    Args:
        device: Where.
        megabytes: Size of what is copied, in MiB: larger than any cache.
        rounds: Attempts.
    """
    source = torch.ones(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    best = interleaved({"copy": lambda: target.copy_(source)}, rounds, 2, device)["copy"].low
    return 2 * source.nbytes / best


def measure(device: torch.device | str = "cpu") -> dict[str, float]:
    """Both limits: ``sgemm`` in FLOP/s and ``bandwidth`` in bytes/s."""
    return {"sgemm": sgemm(device), "bandwidth": bandwidth(device)}

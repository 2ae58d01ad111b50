"""What an encoder computes: multiplications by count, time by operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from mmgaitemo.benchmark.reference_layers import reference_encoder
from mmgaitemo.skeleton import get_skeleton

# Forwards of key, query and strong view; a backward of two of them, at two forwards each.
FORWARDS_PER_STEP = 7


def encoder_macs(config: Mapping[str, Any], skeleton: str, frames: int) -> int:
    """Multiply-accumulates of one forward pass of one walk, counted on the reference form of the encoder.

    Products and convolutions; the FFT, norms, activations and sums are not in it. An implementation that finds the
    same result with fewer products is not credited with a higher rate.

    Args:
        config: Of the backbone.
        skeleton: Layout of the walk.
        frames: T.
    """
    encoder = reference_encoder(config).eval()
    return flops(lambda: encoder(torch.zeros(1, 3, frames, get_skeleton(skeleton).num_joints))) // 2


def flops(call: Callable[[], object]) -> int:
    """Floating-point operations of the products and convolutions in a call; a multiply-add is two."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def by_operation(call: Callable[[], object], device: str, most: int = 20) -> list[dict[str, Any]]:
    """Where the time of a call goes, by operation of PyTorch, the longest first.

    Args:
        call: Called twice; the second time counts.
        device: "cpu" counts the time of the processor, "cuda" that of the kernels.
        most: Rows; what is left is summed in the last one.

    Returns:
        Rows of ``operation``, ``calls``, ``seconds`` and ``share``.
    """
    call()
    gpu = device.startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]
    with profile(activities=activities) as profiler:
        call()
    rows = [
        {
            "operation": entry.key,
            "calls": entry.count,
            "seconds": (entry.self_device_time_total if gpu else entry.self_cpu_time_total) / 1e6,
        }
        for entry in profiler.key_averages()
    ]
    rows.sort(key=lambda row: -row["seconds"])
    total = sum(row["seconds"] for row in rows)
    if rest := rows[most:]:
        rows = rows[:most]
        calls, seconds = (sum(row[key] for row in rest) for key in ("calls", "seconds"))
        rows.append({"operation": f"{len(rest)} others", "calls": calls, "seconds": seconds})
    return [{**row, "share": row["seconds"] / total} for row in rows]

"""What a part of the benchmark found, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_GROUPS = {"speedups", "shares", "growth", "peak_mib", "seeds_speedup", "ddp_efficiency"}
_MOST = 12  # rows of a long table; the JSON has all


def describe(result: Mapping[str, Any]) -> str:
    """Machine, times and key figures of a result, and where the time goes where it says so.

    Args:
        result: What ``run`` of a part returns.
    """
    machine, limits = result["machine"], result["limits"]
    lines = [
        f"{result['part']}: {machine['device']}, {machine['cpu']}, torch {machine['torch']}, "
        f"threads {machine['threads']}, cores {machine['cores']}",
        f"limits: sgemm {limits['sgemm'] / 1e9:.0f} GFLOP/s, copy {limits['bandwidth'] / 1e9:.1f} GB/s",
        "settings: " + ", ".join(f"{name} {value}" for name, value in result["settings"].items()),
        "",
        *_columns(["", "median ms", "low", "high", "samples/s"], [_times(*row) for row in result["results"].items()]),
        "",
    ]
    lines += [f"{name}: {_short(value)}" for name, value in result.items() if isinstance(value, (int, float))]
    lines += [f"{name}: {value}" for name, value in result.items() if isinstance(value, str) and name != "part"]
    for name in sorted(_GROUPS & result.keys()):
        lines.append(f"{name}: {_listed(result[name])}")
    if "breakdown" in result:
        sides = list(result["breakdown"])
        rows = [
            [phase, *(f"{1e3 * result['breakdown'][side][phase]:.2f}" for side in sides)]
            for phase in result["breakdown"][sides[0]]
        ]
        lines += ["", *_columns(["ms of a step", *sides], rows)]
    if "kinds" in result:
        heads = ["layers, forward + backward", "number", "ms", "GFLOP/s", "GB/s", "of its limit"]
        lines += ["", *_columns(heads, [_against_limits(row) for row in result["kinds"][:_MOST]])]
    if "operations" in result:
        rows = [
            [row["operation"][:40], str(row["calls"]), f"{1e3 * row['seconds']:.2f}", f"{row['share']:.1%}"]
            for row in result["operations"][:_MOST]
        ]
        lines += ["", *_columns(["operations of our step", "calls", "ms", "share"], rows)]
    return "\n".join(lines)


def _times(name: str, figures: Mapping[str, float]) -> list[str]:
    rate = figures.get("samples_per_second")
    times = [f"{1e3 * figures[key]:.3f}" for key in ("median", "low", "high")]
    return [name, *times, "" if rate is None else f"{rate:.1f}"]


def _against_limits(row: Mapping[str, Any]) -> list[str]:
    rates = [f"{row[key] / 1e9:.1f}" for key in ("flops_per_second", "bytes_per_second")]
    return [row["kind"], str(row["layers"]), f"{1e3 * row['seconds']:.2f}", *rates, f"{row['share_of_limit']:.0%}"]


def _short(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _listed(values: Mapping[str, Any]) -> str:
    parts = (f"({_listed(value)})" if isinstance(value, Mapping) else _short(value) for value in values.values())
    return ", ".join(f"{key} {part}" for key, part in zip(values, parts, strict=True))


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the first column to the left and the others to the right."""
    table = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    return [
        row[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in table
    ]

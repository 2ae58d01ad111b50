"""Compare runs by their logs: the curves of all of them in one picture, their last values in a table.

python tools/analysis/analyze_logs.py work_dirs/ssal_egait work_dirs/no_drop work_dirs/big_queue --out runs.png
python tools/analysis/analyze_logs.py work_dirs/* --keys loss knn/accuracy --out runs.png

Last values, not best ones: the best epoch on held-out walks is a choice made on them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import numpy as np
from matplotlib.lines import Line2D

from mmgaitemo.cli import plain_errors
from mmgaitemo.engine.report_hook import read_scalars
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.visualization.curves import running_mean
from mmgaitemo.visualization.style import (
    CLASS_COLOURS,
    GHOST,
    INK,
    MUTED,
    SMALL,
    TEXT,
    WIDTH,
    new_figure,
    plain_axes,
    save,
)

Curves = dict[str, tuple[np.ndarray, np.ndarray]]  # name to (epochs, values)
SCALARS = "*/vis_data/scalars.json"
COLUMNS = 3
# Inches: a panel, its y axis, its title, its x axis; a line of the legend; the edge.
PANEL, LEFT, HEAD, AXIS, ENTRY, EDGE = 1.6, 0.6, 0.35, 0.5, 0.22, 0.15
FEW = 40  # so many points or fewer are drawn one by one
WAVES = ("-", "--", ":", "-.")  # the colours come round again after eight runs, with the next line style


def read_run(work_dir: str) -> Curves:
    """Everything logged by the runs into a folder, later ones winning.

    Raises:
        DataError: There is no log, or nothing was logged.
    """
    logs = sorted(Path(work_dir).glob(SCALARS))
    curves = read_scalars(logs, steps_per_epoch(logs))
    if not curves:
        raise DataError(
            work_dir,
            "no logged values here",
            found=f"{len(logs)} files {SCALARS}",
            remedy="pass the work_dir of a run of tools/train.py that has logged a step",
        )
    return curves


def steps_per_epoch(logs: Sequence[Path]) -> int:
    """Steps of an epoch: the most that iteration / epoch says, since the last log of an epoch comes at its end."""
    most = 1
    for log in logs:
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # a killed process leaves half a line
                continue
            if "lr" in entry:
                most = max(most, -(-entry["iter"] // entry["epoch"]))
    return most


def draw_runs(path: str | Path, runs: Mapping[str, Curves], keys: Sequence[str]) -> Path:
    """Draw a panel per quantity with a line per run; what is noisy as its running mean.

    Args:
        path: The PNG file to write.
        runs: Name to curves.
        keys: Quantities, each logged by one run at least.
    """
    columns = min(COLUMNS, len(keys))
    cell = HEAD + PANEL + AXIS
    legend = len(runs) * ENTRY + EDGE
    height = -(-len(keys) // columns) * cell + legend + EDGE
    figure = new_figure(columns * WIDTH / COLUMNS, height)
    wide = WIDTH / COLUMNS
    handles: dict[str, Line2D] = {}
    for number, key in enumerate(keys):
        line, column = divmod(number, columns)
        bottom = height - EDGE - line * cell - HEAD - PANEL
        box = ((column * wide + LEFT) / (columns * wide), bottom / height)
        axes = figure.add_axes((*box, (wide - LEFT - EDGE) / (columns * wide), PANEL / height))
        plain_axes(axes)
        axes.grid(axis="y", color=GHOST, linewidth=0.5, alpha=0.6)
        noisy = "loss" in key or key == "top1"
        axes.set_title(f"{key} (running mean)" if noisy else key, size=TEXT, color=INK, loc="left")
        axes.set_xlabel("epoch", size=SMALL, color=MUTED)
        for index, (name, curves) in enumerate(runs.items()):
            if key not in curves:
                continue
            x, y = curves[key]
            turn, colour = divmod(index, len(CLASS_COLOURS))
            handles[name], *_ = axes.plot(
                x,
                running_mean(y)[0] if noisy else y,
                color=CLASS_COLOURS[colour],
                linestyle=WAVES[turn % len(WAVES)],
                marker="o" if len(x) <= FEW else None,
                markersize=3.5,
                linewidth=1.4,
            )
    named = [name for name in runs if name in handles]
    figure.legend(
        [handles[name] for name in named],
        named,
        loc="lower left",
        bbox_to_anchor=(0.02, 0),
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
    )
    return save(figure, path)


def table(runs: Mapping[str, Curves], keys: Sequence[str]) -> str:
    """A row per quantity, a column per run: the last value, and the epoch it is of."""
    width = max(map(len, keys))
    columns = [max(len(name), 16) for name in runs]
    lines = [" " * width + "".join(f"  {name:>{wide}}" for name, wide in zip(runs, columns, strict=True))]
    for key in keys:
        cells = [f"{c[key][1][-1]:.4g} @ {c[key][0][-1]:.4g}" if key in c else "-" for c in runs.values()]
        lines.append(f"{key:<{width}}" + "".join(f"  {cell:>{w}}" for cell, w in zip(cells, columns, strict=True)))
    return "\n".join(lines)


def chosen_keys(runs: Mapping[str, Curves], asked: Collection[str] | None) -> list[str]:
    """The quantities to show, in alphabetical order or as asked for.

    Raises:
        ConfigError: No run has logged one that is asked for.
    """
    logged = sorted({key for curves in runs.values() for key in curves})
    if foreign := [key for key in asked or () if key not in logged]:
        raise ConfigError("--keys", "no run has logged this", found=foreign, remedy=f"use of {logged}")
    return list(asked) if asked else logged


def main() -> None:
    """Read, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work_dirs", nargs="+", metavar="WORK_DIR", help="folders of runs of tools/train.py")
    parser.add_argument("--out", required=True, help="PNG file for the curves")
    parser.add_argument("--keys", nargs="+", help="quantities to show; default: all that were logged")
    args = parser.parse_args()
    if len(set(args.work_dirs)) < len(args.work_dirs):
        raise ConfigError("WORK_DIR", "a run is named twice", found=args.work_dirs, remedy="name each once")
    runs = {name: read_run(name) for name in args.work_dirs}
    keys = chosen_keys(runs, args.keys)
    draw_runs(args.out, runs, keys)
    print("last value @ epoch\n" + table(runs, keys))


if __name__ == "__main__":
    with plain_errors():
        main()

"""Accuracy against the cost of the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import ScalarFormatter

from mmgaitemo.evaluation.variants import PROBES, VariantSummary, front, knee
from mmgaitemo.visualization.style import BLUE, INK, MUTED, SMALL, TEXT, VERMILLION, WIDTH, new_figure, plain_axes, save

_TITLES = {"knn": "kNN", "linear": "logistic regression"}


def draw_sizes(path: str | Path, summaries: Sequence[VariantSummary], title: str) -> Path:
    """Draw a panel per probe: mean accuracy with standard error against MACs, trained and untrained, the knee marked.

    Args:
        path: The PNG file to write.
        summaries: From ``summarise``.
        title: Printed above.

    Returns:
        ``path``.
    """
    figure = new_figure(WIDTH, 4.2)
    chosen = knee(summaries)
    axes = figure.subplots(1, len(PROBES), sharey=True)
    for panel, probe in zip(axes, PROBES, strict=True):
        for colour, kind in ((BLUE, "trained"), (MUTED, "untrained")):
            macs = [summary.macs / 1e6 for summary in summaries]
            values = [getattr(summary, kind)[probe] for summary in summaries]
            means = [value.mean() for value in values]
            errors = [value.std(ddof=1) / np.sqrt(len(value)) if len(value) > 1 else 0 for value in values]
            name = "pre-trained" if kind == "trained" else kind
            panel.errorbar(macs, means, errors, fmt="o", ms=5, color=colour, capsize=2, lw=1, label=name)
        for summary in summaries:
            place = (summary.macs / 1e6, summary.trained[probe].mean())
            panel.annotate(
                summary.name.replace("_", " "),
                place,
                xytext=(5, 5),
                textcoords="offset points",
                fontsize=SMALL - 1.5,
                color=VERMILLION if summary is chosen else INK,
                weight="bold" if summary is chosen else "normal",
                rotation=25,
            )
        points = [(summary.macs / 1e6, summary.trained[probe].mean()) for summary in front(summaries)]
        panel.plot(*zip(*points, strict=True), color=BLUE, lw=0.8, ls=":")
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter(ScalarFormatter())
        panel.set_title(_TITLES[probe], fontsize=TEXT, color=INK)
        panel.set_xlabel("million MACs of one walk, forward", fontsize=SMALL, color=MUTED)
        panel.margins(x=0.18, y=0.16)
        plain_axes(panel)
    axes[0].set_ylabel("accuracy, inner validation", fontsize=SMALL, color=MUTED)
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=SMALL, frameon=False, loc="upper right")
    figure.suptitle(title, fontsize=TEXT + 1, color=INK, weight="bold", x=0.08, ha="left")
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.13, top=0.84, wspace=0.06)
    return save(figure, path)

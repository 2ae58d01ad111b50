"""Features in the plane: do the classes lie apart?"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.visualization.style import (
    CLASS_COLOURS,
    GHOST,
    INK,
    MUTED,
    SMALL,
    TEXT,
    finite,
    new_figure,
    plain_axes,
    save,
    title_size,
)

MIN_TSNE = 10  # fewer samples have no neighbourhoods worth preserving
_MARKERS = "os^DvP"  # the colours come round again after eight classes, with the next marker


def embed(features: np.ndarray) -> tuple[np.ndarray, str]:
    """Put features in the plane: t-SNE of the standardised features, or PCA where there is too little for t-SNE.

    Args:
        features: (N, D), finite. t-SNE takes time: a few thousand samples are seconds, more should be subsampled.

    Returns:
        (N, 2) coordinates without unit, and the name of the method. The same input gives the same output.
    """
    deviation = features.std(axis=0)
    # A constant column whose mean is rounded has a deviation of rounding errors, which must not be blown up.
    varies = deviation > 1e-9 * np.abs(features).max(axis=0, initial=0.0)
    standard = (features - features.mean(axis=0))[:, varies] / deviation[varies]
    if len(features) >= MIN_TSNE and standard.shape[1] >= 2:
        perplexity = min(30.0, (len(features) - 1) / 3)
        # Where other work runs, threads that wait for one another took 40 times as long as one alone (700 samples).
        with threadpool_limits(limits=1):
            return TSNE(init="pca", random_state=0, perplexity=perplexity).fit_transform(standard), "t-SNE"
    left, values, _ = np.linalg.svd(standard, full_matrices=False)
    plane = np.zeros((len(features), 2))
    count = min(2, len(values))
    plane[:, :count] = left[:, :count] * values[:count]
    return plane, "PCA"


def draw_embedding(
    path: str | Path, features: np.ndarray, labels: np.ndarray, classes: Sequence[str], title: str = ""
) -> Path:
    """Draw features (N, D) as N points of the plane, coloured by class.

    Args:
        path: The PNG file to write.
        features: (N, D) finite numbers, N >= 1.
        labels: (N,) integers: an index into ``classes``, or -1 for no label.
        classes: Class names; all are in the legend, with their number of samples.
        title: Printed above.

    Returns:
        ``path``.

    Raises:
        DataError: ``features`` is not (N, D), is empty or not finite; ``labels`` is of another length or not integer.
        ConfigError: A label is outside ``classes``.
    """
    features, labels = _checked(features, labels, len(classes))
    points, method = embed(features)
    figure = new_figure(7.0, 5.2)
    axes = figure.add_axes((0.06, 0.09, 0.64, 0.8))
    plain_axes(axes, ticks=False)
    axes.set_title(title, size=title_size(title, 6.4), color=INK, weight="bold", loc="left")
    size = float(np.clip(6000 / len(points), 10, 42))  # points^2: many samples need small ones
    styles = [(-1, "unlabelled", GHOST, "o")] if (labels < 0).any() else []
    for label, name in enumerate(classes):
        turn, index = divmod(label, len(CLASS_COLOURS))
        styles.append((label, textwrap.fill(name, 18), CLASS_COLOURS[index], _MARKERS[turn % len(_MARKERS)]))
    for label, name, colour, marker in styles:
        x, y = points[labels == label].T
        text = f"{name} ({len(x)})"
        axes.scatter(x, y, s=size, c=colour, marker=marker, edgecolors="white", linewidths=0.4, label=text)
    axes.margins(0.06)
    axes.set_aspect("equal", adjustable="datalim")  # distances mean the same in every direction
    note = f"{method} of {len(points)} samples, features standardised; the axes have no unit"
    axes.set_xlabel(note, size=SMALL, color=MUTED, loc="left")
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize=TEXT, labelcolor=INK, handletextpad=0.3
    )
    return save(figure, path)


def _checked(features: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    features = finite("draw_embedding: features", features)
    labels = np.asarray(labels)
    if features.ndim != 2 or not features.size:
        raise DataError(
            "draw_embedding: features", "needs (N, D), not empty", found=features.shape, remedy="pass a row per sample"
        )
    if labels.shape != (len(features),) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            "draw_embedding: labels",
            f"needs one integer for each of the {len(features)} rows of features",
            found=f"{labels.dtype} of shape {labels.shape}",
            remedy="pass labels and features of the same samples, -1 for no label",
        )
    foreign = np.setdiff1d(labels, np.arange(-1, classes))
    if len(foreign):
        raise ConfigError(
            "draw_embedding: classes",
            f"{classes} class names do not cover all labels",
            found=f"labels {foreign.tolist()}",
            remedy="name every class, or correct the labels",
        )
    return features, labels

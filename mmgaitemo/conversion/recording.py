"""What a converter reads: recordings, before they are checked, repaired and cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Recording:
    """One recording as a reader leaves it.

    Args:
        id: Unique name.
        positions: (T, V, 3) in the archive's layout, unit and axes; NaN where a joint is missing.
        rate: Frames per second; ``None`` where it is not known.
        subject: The person; empty where unknown.
        label: Class name; ``None`` = unlabelled.
        group: What no split may part; the subject by default, or the id where there is none.
        extra: Further columns, the same for all recordings.
        score: (T, V) confidence of a pose estimator, or ``None``.
    """

    id: str
    positions: np.ndarray
    rate: float | None
    subject: str = ""
    label: str | None = None
    group: str | None = None
    extra: Mapping[str, str | int | float] = field(default_factory=dict)
    score: np.ndarray | None = None


@dataclass(frozen=True)
class Source:
    """A file, or a part of one, that holds recordings.

    Args:
        name: For messages: the file, and the part of it.
        read: Reads the recordings; raises ``DataError`` for what is none, which the conversion reports as refused.
    """

    name: str
    read: Callable[[], Iterable[Recording]]

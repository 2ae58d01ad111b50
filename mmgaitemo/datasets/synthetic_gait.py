"""The embedded default data: walkers that the project makes itself, so that everything runs without a download."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

from mmgaitemo.datasets.base import SkeletonDataset
from mmgaitemo.datasets.splits import grouped_folds
from mmgaitemo.datasets.synthetic_walks import MOODS, RATE, Walk, synthetic_walks
from mmgaitemo.registry import DATASETS
from mmgaitemo.skeleton import EGAIT16

KNOWN = {"rate": float(RATE), "unit": "body", "up": "y"}


@lru_cache(maxsize=2)  # the training and the test set of a run are two parts of one cast
def _cast(num_persons: int, takes: int, seed: int) -> tuple[Walk, ...]:
    return tuple(synthetic_walks(num_persons, takes, seed))


@DATASETS.register_module()
class SyntheticGait(SkeletonDataset):
    """Synthetic walkers in four moods, in E-Gait's joint layout.

    How they move, and from which sources, says ``synthetic_walks``. All walks of a person share a fold. A result on
    them says that the machinery works, nothing about people.

    Args:
        pipeline: See ``SkeletonDataset``, as are the arguments not named here.
        num_persons: Walkers.
        takes: Walks of each person in each mood.
        seed: Seed of persons, walks and folds.
        split: ``train``, ``test`` or ``all``.
        fold: The fold held out.
        unused_fold: A further fold in neither split, see ``SkeletonDataset``.
        num_folds: Number of folds, at most ``num_persons``.
        label_fraction: Part of the labelled training sequences kept.
        label_seed: Seed of that choice.
        label_file: Committed choices to take instead of drawing.
        metainfo: Further entries of ``metainfo``.
        lazy_init: Leave the making to the first use.

    Raises:
        ConfigError: An argument is impossible.
    """

    def __init__(
        self,
        *,
        pipeline: Mapping[str, Any],
        num_persons: int = 60,
        takes: int = 3,
        seed: int = 0,
        split: str = "train",
        fold: int = 0,
        unused_fold: int | None = None,
        num_folds: int = 5,
        label_fraction: float = 1.0,
        label_seed: int = 0,
        label_file: str | None = None,
        metainfo: Mapping[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.num_persons, self.takes, self.seed = num_persons, takes, seed
        super().__init__(
            pipeline=pipeline,
            skeleton=EGAIT16.name,
            classes=MOODS,
            split=split,
            fold=fold,
            unused_fold=unused_fold,
            num_folds=num_folds,
            label_fraction=label_fraction,
            label_seed=label_seed,
            label_file=label_file,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def source_key(self) -> Hashable:
        """What the cast depends on."""
        return self.num_persons, self.takes, self.seed

    def load_data_list(self) -> list[dict[str, Any]]:
        """Make the walks; see ``SkeletonDataset``."""
        walks = _cast(self.num_persons, self.takes, self.seed)
        groups = [str(walk.person) for walk in walks]
        folds = grouped_folds([walk.label for walk in walks], groups, self.num_folds, self.seed)
        return [
            {"id": walk.id, "positions": walk.positions, "label": walk.label, "group": group, "fold": fold, **KNOWN}
            for walk, group, fold in zip(walks, groups, folds, strict=True)
        ]

"""The dataset of skeleton sequences: every sequence is prepared once, a batch is an index."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset, Compose
from mmengine.logging import print_log

from mmgaitemo.datasets.label_lists import read_label_list
from mmgaitemo.datasets.prepared import prepared_inputs
from mmgaitemo.datasets.splits import UNLABELLED, nested_fraction
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.recipe import steps_in_order
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import get_skeleton

SPLITS = ("train", "test", "all")


def build_pipeline(recipe: Mapping[str, Any]) -> Compose:
    """Build the per-sequence transforms of a recipe (see ``mmgaitemo.recipe``).

    Args:
        recipe: Named transform configs and their order; ``None`` takes a step out.

    Returns:
        A callable from results dict (``positions`` (T, V, 3), ``skeleton``, ``id``) to results dict.

    Raises:
        ConfigError: The recipe is none, a step names no registered transform, or its arguments do not fit.
    """
    transforms = []
    for name, step in steps_in_order(recipe, "pipeline"):
        kind = step.get("type") if isinstance(step, Mapping) else None
        cls = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
        if not isinstance(cls, type) or not issubclass(cls, BaseTransform):
            known = [name for name, entry in TRANSFORMS.module_dict.items() if issubclass(entry, BaseTransform)]
            raise ConfigError(
                f"pipeline.{name}",
                "no such per-sequence transform",
                found=repr(kind),
                remedy=f"use one of {sorted(known)}, or None to take the step out",
            )
        try:
            transforms.append(TRANSFORMS.build(step))
        except TypeError as error:
            raise ConfigError(
                f"pipeline.{name}",
                "the arguments do not fit",
                found=f"{dict(step)} ({error})",
                remedy=f"see the docstring of {cls.__name__}",
            ) from None
    return Compose(transforms)


class SkeletonDataset(BaseDataset):
    """Sequences of one skeleton layout, one of whose folds is held out.

    After ``full_init`` the N sequences of the split lie in ``inputs`` (N, 3, T, V) float32, ``labels`` (N,) int64
    (-1 = unlabelled), ``ids`` and ``groups`` (persons), in the order of the source. ``dataset[i]`` is
    ``dict(inputs=(3, T, V), label=(), id=str)``; ``inputs`` is a view of the cache, which other data sets of the same
    files share, so collate it (which copies) before changing it. A subclass provides ``load_data_list``.

    Args:
        pipeline: Recipe of per-sequence transforms; see ``build_pipeline``. Runs once per sequence, so all steps have
            to be deterministic; views are made batch by batch in the data preprocessor.
        skeleton: Name of the joint layout.
        classes: Class names, in the order of the ids.
        split: ``train`` (all folds but one), ``test`` (that fold) or ``all``.
        fold: The fold held out.
        num_folds: Number of folds.
        label_fraction: Part of the labelled training sequences kept, in (0, 1]; see ``nested_fraction``.
        label_seed: Seed of that choice.
        label_file: Committed choices to take instead of drawing (see ``label_lists``); made for these very walks.
        metainfo: Entries added to, or replacing, those of ``metainfo``: ``dataset_type``, ``skeleton``, ``classes`` and
            ``class_note`` (what a reader of the class names has to know; may be empty).
        lazy_init: Leave the loading to the first use.

    Raises:
        ConfigError: An argument is impossible.
        DataError: The data are; nothing is left out silently.
    """

    _fully_initialized: bool

    def __init__(
        self,
        *,
        pipeline: Mapping[str, Any],
        skeleton: str,
        classes: Sequence[str],
        split: str = "train",
        fold: int = 0,
        num_folds: int = 5,
        label_fraction: float = 1.0,
        label_seed: int = 0,
        label_file: str | None = None,
        metainfo: Mapping[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        super().__init__(data_prefix={}, serialize_data=False, lazy_init=True)
        self.skeleton = get_skeleton(skeleton)
        self.classes = tuple(classes)
        self.split, self.fold, self.num_folds = split, fold, num_folds
        self.label_fraction, self.label_seed, self.label_file = label_fraction, label_seed, label_file
        self._check_arguments()
        self._recipe, self.pipeline = pipeline, build_pipeline(pipeline)
        # Not through BaseDataset, which takes every string in metainfo for the name of a file to read.
        self._metainfo = {
            "dataset_type": type(self).__name__,
            "skeleton": skeleton,
            "classes": self.classes,
            "class_note": "",
            **(metainfo or {}),
        }
        if not lazy_init:
            self.full_init()

    def _check_arguments(self) -> None:
        name, whole = type(self).__name__, lambda value: isinstance(value, int) and not isinstance(value, bool)
        folds, fraction, classes = self.num_folds, self.label_fraction, self.classes
        number = isinstance(fraction, (int, float)) and not isinstance(fraction, bool)
        unique = all(isinstance(label, str) for label in classes) and len(set(classes)) == len(classes) >= 2
        checks = [
            ("classes", unique, "needs two or more different names", "list the names in the order of the ids"),
            ("split", self.split in SPLITS, "no such split", f"use one of {SPLITS}"),
            ("num_folds", whole(folds) and folds >= 2, "needs at least two folds", "use a whole number of at least 2"),
            ("label_seed", whole(self.label_seed) and 0 <= self.label_seed < 2**32, "is no seed", "use 0 to 2**32 - 1"),
            ("label_fraction", number and 0 < fraction <= 1, "is no fraction in (0, 1]", "use 0.1 for a tenth"),
            (
                "label_fraction",
                fraction == 1 or self.split == "train",
                f"thins the training split only, this is {self.split!r}",
                "set it in the dataset of the training dataloader",
            ),
        ]
        for argument, fulfilled, problem, remedy in checks:
            if not fulfilled:
                found = repr(getattr(self, argument))
                raise ConfigError(f"{name}.{argument}", problem, found=found, remedy=remedy)
        if not whole(self.fold) or not 0 <= self.fold < folds:
            raise ConfigError(
                f"{name}.fold", "no such fold", found=repr(self.fold), remedy=f"use one of 0 to {folds - 1}"
            )

    @abstractmethod
    def load_data_list(self) -> list[dict[str, Any]]:
        """Load every sequence of every fold.

        Returns:
            One dict per sequence: ``id`` (unique), ``positions`` (T, V, 3) unless ``load_positions`` gives them,
            ``label`` (-1 = unlabelled), ``group`` (the person), ``fold`` (-1 = never held out), and what the steps of
            the pipeline ask for (``rate`` in Hz or None, ``unit``, ``up``); in an order that does not depend on the
            split.
        """

    def load_positions(self, records: Sequence[dict[str, Any]]) -> Iterator[np.ndarray]:
        """(T, V, 3) of each record; a subclass whose files are large reads them here, one after another."""
        return (record["positions"] for record in records)

    def source_key(self) -> Hashable:
        """What the sequences are, as far as the skeleton and the pipeline do not say it.

        Data sets of one process with equal keys prepare their sequences once. ``None``: not shared.
        """
        return None

    def full_init(self) -> None:
        """Load, run the pipeline, select the split and stack the result."""
        if self._fully_initialized:
            return
        key = self.source_key()  # before anything is read: a file that changes meanwhile is another one
        everything = [record | {"row": row} for row, record in enumerate(self.load_data_list())]
        records = self._select(everything)
        if key is None:
            self._prepared = self._prepare_all(records)
            self._rows = torch.arange(len(records))
        else:
            key = (type(self), self.skeleton.name, repr(self._recipe), key)
            self._prepared = prepared_inputs(key, lambda: self._prepare_all(everything))
            self._rows = torch.tensor([record["row"] for record in records], dtype=torch.int64)
        self.labels = torch.tensor([record["label"] for record in records], dtype=torch.int64)
        self.data_list = [{key: record[key] for key in ("id", "label", "group")} for record in records]
        self._fully_initialized = True

    def _select(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.split == "all":
            return records
        if self.split == "test":
            return [record for record in records if record["fold"] == self.fold]
        train = [record for record in records if record["fold"] != self.fold]
        labels = [record["label"] for record in train]
        absent = [f"{name} (id {label})" for label, name in enumerate(self.classes) if label not in labels]
        if absent and set(labels) != {UNLABELLED}:
            raise DataError(
                f"{type(self).__name__}, training split without fold {self.fold}",
                "a class has no training sequence",
                found=", ".join(absent),
                remedy="hold out another fold, or list in classes only those that the data have",
            )
        ids = [record["id"] for record in train]
        if self.label_file is None:
            keep = nested_fraction(ids, labels, self.label_fraction, self.label_seed)
        else:
            keep = read_label_list(self.label_file, self.fold, self.label_seed, self.label_fraction, ids, labels)
        return [train[index] for index in keep]

    def _prepare_all(self, records: list[dict[str, Any]]) -> torch.Tensor:
        """(N, 3, T, V) of the records; their coordinates are read, prepared and dropped one by one."""
        stacked = torch.empty(0)
        whole = []
        for number, (record, positions) in enumerate(zip(records, self.load_positions(records), strict=True)):
            results = self._prepare(record, positions)
            inputs = results["inputs"]
            if results.get("cycles") == 0:
                whole.append(record["id"])
            if number == 0:
                stacked = inputs.new_empty((len(records), *inputs.shape))
            if inputs.shape != stacked.shape[1:]:
                raise ConfigError(
                    f"{type(self).__name__}.pipeline",
                    "the sequences leave it with different shapes and cannot be stacked",
                    found=f"{tuple(stacked.shape[1:])} of {records[0]['id']!r}, "
                    f"{tuple(inputs.shape)} of {record['id']!r}",
                    remedy="bring them to one length with TileCyclic or Resample",
                )
            stacked.numpy()[number] = inputs.numpy()
        if whole:
            found = f"in {len(whole)} of {len(records)} walks, such as {whole[:3]}: single cycles already, or irregular"
            print_log(f"WholeCycles finds no cycle that comes again {found}. They are taken whole", logger="current")
        return stacked

    def _prepare(self, record: dict[str, Any], positions: np.ndarray) -> dict[str, Any]:
        """What the pipeline leaves, ``inputs`` among it. In float64, so that a far-off origin costs no precision."""
        positions = np.asarray(positions, dtype=np.float64)
        results = self.pipeline({**record, "positions": positions, "skeleton": self.skeleton})
        if not results or "inputs" not in results:
            raise ConfigError(
                f"{type(self).__name__}.pipeline",
                "the pipeline leaves no inputs",
                remedy="end it with dict(type='PackGait')",
            )
        return results

    @property
    def inputs(self) -> torch.Tensor:
        """(N, 3, T, V) float32, a copy."""
        return self._prepared[self._rows]

    @property
    def ids(self) -> list[str]:
        """Id of each sequence."""
        return [entry["id"] for entry in self.data_list]

    @property
    def groups(self) -> list[str]:
        """Person of each sequence."""
        return [entry["group"] for entry in self.data_list]

    def __getitem__(self, idx: int) -> dict[str, Any]:
        """``dict(inputs=(3, T, V) float32, label=() int64, id=str)``."""
        self.full_init()
        return {"inputs": self._prepared[self._rows[idx]], "label": self.labels[idx], "id": self.data_list[idx]["id"]}

    def get_cat_ids(self, idx: int) -> list[int]:
        """The class of a sequence, for MMEngine's ``ClassBalancedDataset``; nothing for an unlabelled one."""
        label = self.get_data_info(idx)["label"]
        return [] if label == UNLABELLED else [label]

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        """Keep only some sequences: the first n (int), the last n (negative int), or those listed."""
        self.full_init()
        rows = list(range(len(self)))
        if isinstance(indices, int):
            rows = rows[:indices] if indices >= 0 else rows[indices:]
        else:
            rows = [rows[index] for index in indices]
        self.data_list = [self.data_list[row] for row in rows]
        self._rows, self.labels = self._rows[rows], self.labels[rows]

    def get_subset(self, indices: Sequence[int] | int) -> SkeletonDataset:
        """A dataset of some of the sequences; this one stays as it is."""
        subset = copy.copy(self)
        subset.get_subset_(indices)
        return subset

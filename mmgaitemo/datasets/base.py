"""The dataset of skeleton sequences: every sequence is prepared once, a batch is one read."""

from __future__ import annotations

import copy
import sys
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset, Compose
from mmengine.logging import print_log

from mmgaitemo.datasets.batches import Batch
from mmgaitemo.datasets.pipelines.pack import PACKED
from mmgaitemo.datasets.prepared import PreparedWalks, prepared_inputs
from mmgaitemo.datasets.selection import Selection
from mmgaitemo.datasets.splits import UNLABELLED
from mmgaitemo.errors import ConfigError
from mmgaitemo.recipe import steps_in_order
from mmgaitemo.registry import TRANSFORMS
from mmgaitemo.skeleton import get_skeleton


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

    After ``full_init`` the N sequences of the split are prepared: ``labels`` (N,) int64 (-1 = unlabelled), ``ids`` and
    ``groups`` (persons) are in memory, in the order of the source; the inputs are in a file (``PreparedWalks``), from
    which ``inputs`` (N, 3, T, V) float32 reads all, ``dataset[i]`` one as ``dict(inputs=(3, T, V), label=(), id=str)``,
    and ``dataset.__getitems__([...])`` a whole batch. A subclass provides ``load_data_list``.

    Args:
        pipeline: Recipe of per-sequence transforms; see ``build_pipeline``. Runs once per sequence, so all steps have
            to be deterministic; views are made batch by batch in the data preprocessor.
        skeleton: Name of the joint layout.
        classes: Class names, in the order of the ids.
        split: ``train`` (all folds but one, or but two), ``test`` (``fold``) or ``all``.
        fold: The fold held out.
        unused_fold: A further fold that is in neither split: the one kept for the final test while something is chosen
            on ``fold`` (inner validation).
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
        unused_fold: int | None = None,
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
        self.split, self.fold, self.unused_fold, self.num_folds = split, fold, unused_fold, num_folds
        self.selection = Selection(split, fold, unused_fold, num_folds, label_fraction, label_seed, label_file)
        self._check_classes()
        self.selection.check(type(self).__name__)
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

    def _check_classes(self) -> None:
        classes = self.classes
        if not all(isinstance(label, str) for label in classes) or not len(set(classes)) == len(classes) >= 2:
            raise ConfigError(
                f"{type(self).__name__}.classes",
                "needs two or more different names",
                found=repr(classes),
                remedy="list the names in the order of the ids",
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
        """Load, select the split and run the pipeline."""
        if self._fully_initialized:
            return
        key = self.source_key()  # before anything is read: a file that changes meanwhile is another one
        everything = self.load_data_list()
        rows = self.selection.rows(everything, self.classes, type(self).__name__)
        records = [everything[row] for row in rows]
        if key is None:
            self._prepared = self._prepare_all(records)
            rows = list(range(len(records)))
        else:
            key = (type(self), self.skeleton.name, repr(self._recipe), key)
            self._prepared = prepared_inputs(key, lambda: self._prepare_all(everything))
        self._rows = torch.tensor(rows, dtype=torch.int64)
        self.labels = torch.tensor([record["label"] for record in records], dtype=torch.int64)
        # Columns, and each person's name once: a dict for each walk would be several times as large.
        self._ids = [record["id"] for record in records]
        self._groups = [sys.intern(record["group"]) for record in records]
        self._fully_initialized = True

    def _prepare_all(self, records: list[dict[str, Any]]) -> PreparedWalks:
        return PreparedWalks(self._prepare_each(records), len(records))

    def _prepare_each(self, records: list[dict[str, Any]]) -> Iterator[dict[str, torch.Tensor]]:
        """What ``PackGait`` leaves of each record; their coordinates are read, prepared and dropped one by one."""
        shape, whole = None, []
        for record, positions in zip(records, self.load_positions(records), strict=True):
            results = self._prepare(record, positions)
            inputs = results["inputs"]
            if results.get("cycles") == 0:
                whole.append(record["id"])
            shape = inputs.shape if shape is None else shape
            if inputs.shape != shape:
                raise ConfigError(
                    f"{type(self).__name__}.pipeline",
                    "the sequences leave it with different shapes and cannot be stacked",
                    found=f"{tuple(shape)} of {records[0]['id']!r}, {tuple(inputs.shape)} of {record['id']!r}",
                    remedy="bring them to one length with TileCyclic or Resample",
                )
            yield {kind: results[kind] for kind in PACKED if kind in results}
        if whole:
            found = f"in {len(whole)} of {len(records)} walks, such as {whole[:3]}: single cycles already, or irregular"
            print_log(f"WholeCycles finds no cycle that comes again {found}. They are taken whole", logger="current")

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
        """(N, 3, T, V) float32, all in memory."""
        self.full_init()
        return self._prepared.read(self._rows.tolist())["inputs"]

    @property
    def ids(self) -> list[str]:
        """Id of each sequence."""
        self.full_init()
        return list(self._ids)

    @property
    def groups(self) -> list[str]:
        """Person of each sequence."""
        self.full_init()
        return list(self._groups)

    @property
    def walks(self) -> list[str]:
        """Walk that each sequence shows; recordings of one walk by several sensors have the same."""
        return [self.walk_of(name) for name in self.ids]

    def walk_of(self, name: str) -> str:
        """The walk that a sequence shows, by its id; unless a subclass knows better, every sequence is its own."""
        return name

    def __len__(self) -> int:
        self.full_init()
        return len(self._ids)

    def __getitem__(self, idx: int) -> dict[str, Any]:
        """``dict(inputs=(3, T, V) float32, label=() int64, id=str)``; with ``Kinematics`` kinematics=(D,) float32."""
        return self.__getitems__([idx])[0]

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The samples of these indices; a PyTorch loader asks for a batch this way."""
        self.full_init()
        chosen = torch.tensor(indices, dtype=torch.int64)
        whole: dict[str, Any] = self._prepared.read(self._rows[chosen].tolist())
        return Batch(whole | {"label": self.labels[chosen], "id": [self._ids[index] for index in indices]})

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """``id``, ``label``, ``group`` and ``walk`` of a sequence and its place in the data set; no file is read."""
        self.full_init()
        place, name = range(len(self))[idx], self._ids[idx]
        known = {"id": name, "label": int(self.labels[idx]), "group": self._groups[idx]}
        return known | {"walk": self.walk_of(name), "sample_idx": place}

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
        self._ids, self._groups = ([column[row] for row in rows] for column in (self._ids, self._groups))
        self._rows, self.labels = self._rows[rows], self.labels[rows]

    def get_subset(self, indices: Sequence[int] | int) -> SkeletonDataset:
        """A dataset of some of the sequences; this one stays as it is."""
        subset = copy.copy(self)
        subset.get_subset_(indices)
        return subset

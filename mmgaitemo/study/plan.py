"""What a study asks: methods, protocols, splits and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from mmgaitemo.study.protocols import Protocol

KINDS = ("pretrain", "untrained", "kinematics")


@dataclass(frozen=True)
class Split:
    """The fold that is evaluated on and, in inner validation, the test fold that nobody looks at."""

    fold: int
    unused_fold: int | None = None

    def __str__(self) -> str:
        return f"fold{self.fold}" if self.unused_fold is None else f"fold{self.fold}_without{self.unused_fold}"


@dataclass(frozen=True)
class Method:
    """A way to get features.

    Attributes:
        name: In files and on the command line.
        title: In tables.
        kind: "pretrain" trains the config's model; "untrained" takes its encoder as initialised, BatchNorm statistics
            from the training walks; "kinematics" takes the walks' hand-made features instead of an encoder.
        config: A pre-training config.
        changes: Overrides of it by dotted key, as ``--cfg-options`` takes them.
        protocols: Names of the study's protocols that apply.
    """

    name: str
    title: str
    kind: str
    config: Path
    changes: dict[str, Any]
    protocols: tuple[str, ...]

    @property
    def seeded(self) -> bool:
        """Whether anything of it is random: hand-made features are not."""
        return self.kind != "kinematics"


@dataclass(frozen=True)
class Job:
    """One method on one split with one seed: an encoder, and all protocols on it."""

    method: str
    split: Split
    seed: int

    def __str__(self) -> str:
        return f"{self.method}/{self.split}_seed{self.seed}"


@dataclass(frozen=True)
class Study:
    """A whole study; see docs/studies.md for the keys of its config."""

    name: str
    title: str
    data: str
    methods: dict[str, Method]
    protocols: dict[str, Protocol]
    splits: tuple[Split, ...]
    seeds: tuple[int, ...]
    reference: str
    comparisons: tuple[tuple[str, str], ...] = ()
    ledger: Path | None = None
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def purpose(self) -> str:
        """Whether test folds are read ("test") or none ("inner validation")."""
        return "test" if self.splits[0].unused_fold is None else "inner validation"

    def jobs(self) -> Iterator[Job]:
        """All jobs, seeds first: a study that is stopped early has every method on every split."""
        for seed, split, method in product(self.seeds, self.splits, self.methods.values()):
            if method.seeded or seed == self.seeds[0]:
                yield Job(method.name, split, seed)

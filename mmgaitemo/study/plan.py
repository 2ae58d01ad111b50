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
        kind: "pretrain" trains the config's model; "untrained" takes its encoder as initialised, with BatchNorm
            statistics and whitening fitted to the training walks; "kinematics" takes the walks' hand-made features
            instead of an encoder, through the config's ``whitening`` where it has one.
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


@dataclass(frozen=True)
class Fusion:
    """Several methods as one: the mean of their scores, walk by walk, as for the streams joint, bone and motion.

    Attributes:
        name: In files and on the command line, as of a method.
        title: In tables.
        members: Names of at least two methods; all count alike.
        protocols: Names of the study's protocols that apply; all members have them.
    """

    name: str
    title: str
    members: tuple[str, ...]
    protocols: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One method, or fusion, on one split with one seed: an encoder or several, and all protocols on it."""

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
    fusions: dict[str, Fusion] = field(default_factory=dict)

    @property
    def asked_of(self) -> dict[str, Method | Fusion]:
        """Methods and fusions: what protocols are run on, by name, in the order of tables."""
        return {**self.methods, **self.fusions}

    def parts(self, name: str) -> tuple[Method, ...]:
        """The methods whose scores make up those of a method or fusion."""
        fusion = self.fusions.get(name)
        return tuple(self.methods[member] for member in (fusion.members if fusion else (name,)))

    @property
    def purpose(self) -> str:
        """Whether test folds are read ("test") or none ("inner validation")."""
        return "test" if self.splits[0].unused_fold is None else "inner validation"

    def jobs(self) -> Iterator[Job]:
        """All jobs, seeds first: a study that is stopped early has every method on every split."""
        for seed, split, method in product(self.seeds, self.splits, self.asked_of.values()):
            if self.asked(method, seed):
                yield Job(method.name, split, seed)

    def asked(self, method: Method | Fusion, seed: int) -> tuple[str, ...]:
        """Protocols that are run on a method or fusion with a seed."""
        return tuple(name for name in method.protocols if seed == self.seeds[0] or name not in self.once(method))

    def once(self, method: Method | Fusion) -> tuple[str, ...]:
        """Protocols of a method or fusion that are run with the first seed alone, because nothing is random.

        Hand-made features are not; a probe of them is where it draws labels.
        """
        fixed = all(part.kind == "kinematics" for part in self.parts(method.name))
        return tuple(name for name in method.protocols if fixed and not self.protocols[name].draws)

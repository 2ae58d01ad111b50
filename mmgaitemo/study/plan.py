"""What a study asks: methods, protocols, splits and seeds, read from a config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmgaitemo.errors import ConfigError
from mmgaitemo.study.protocols import PROTOCOLS, Protocol

KINDS = ("pretrain", "untrained", "kinematics")
REMEDY = "see configs/studies/smoke.py and docs/studies.md"


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


def read_study(path: str | Path) -> Study:
    """Read a study's config.

    Raises:
        ConfigError: It is none, or asks for what does not exist; names the key.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(str(path), "no such config", remedy="see configs/studies/ for those of the project")
    try:
        content = Config.fromfile(path).get("study")
    except Exception as error:  # a config is Python: whatever its code may raise
        raise ConfigError(str(path), "the config does not parse", found=error, remedy="correct that line") from error
    if not isinstance(content, Mapping):
        raise ConfigError(str(path), "holds no study", found=f"study = {content!r}", remedy=REMEDY)
    entries = _only(dict(content), path, "study", NEEDED, OPTIONAL)
    protocols = {
        name: _protocol(path, name, dict(entry)) for name, entry in _named(path, "protocols", entries["protocols"])
    }
    methods = {
        name: _method(path, name, dict(entry), entries.get("changes", {}), tuple(protocols))
        for name, entry in _named(path, "methods", entries["methods"])
    }
    if entries["reference"] not in methods:
        raise ConfigError(
            f"{path}, study.reference", "no such method", found=entries["reference"], remedy=f"use one of {[*methods]}"
        )
    ledger = entries.get("ledger")
    return Study(
        name=path.stem,
        title=str(entries["title"]),
        data=str(entries["data"]),
        methods=methods,
        protocols=protocols,
        splits=_splits(path, entries["splits"]),
        seeds=_seeds(path, entries["seeds"]),
        reference=entries["reference"],
        comparisons=_comparisons(path, entries.get("comparisons", ()), methods),
        ledger=None if ledger is None else (path.parent / ledger).resolve(),
        titles={name: str(entry.get("title", name)) for name, entry in entries["protocols"].items()},
    )


NEEDED = {"title", "data", "splits", "seeds", "methods", "protocols", "reference"}
OPTIONAL = {"changes", "comparisons", "ledger"}


def _only(entries: dict[str, Any], path: Path, where: str, needed: set[str], optional: set[str]) -> dict[str, Any]:
    missing, unknown = needed - entries.keys(), entries.keys() - needed - optional
    if missing or unknown:
        raise ConfigError(
            f"{path}, {where}",
            "has not the keys of a study",
            found=f"missing {sorted(missing)}, unknown {sorted(unknown)}",
            remedy=REMEDY,
        )
    return entries


def _named(path: Path, key: str, entries: Any) -> list[tuple[str, Mapping[str, Any]]]:
    good = isinstance(entries, Mapping) and all(isinstance(entry, Mapping) for entry in entries.values())
    bad = [name for name in entries if not re.fullmatch(r"[A-Za-z0-9_-]+", str(name))] if good else []
    if not good or not entries or bad or "pretrain" in entries:
        raise ConfigError(
            f"{path}, study.{key}",
            "needs names of letters, digits and _, each with a dict; 'pretrain' is taken",
            found=bad or repr(entries)[:200],
            remedy=REMEDY,
        )
    return list(entries.items())


def _protocol(path: Path, name: str, entry: dict[str, Any]) -> Protocol:
    entry.pop("title", None)
    kind = PROTOCOLS.get(str(entry.pop("type", None)))
    where = f"{path}, study.protocols.{name}"
    if kind is None:
        raise ConfigError(where, "has no such type", remedy=f"use one of {sorted(PROTOCOLS)}")
    if "config" in entry:
        entry["config"] = str((path.parent / entry["config"]).resolve())
    try:
        return kind(**entry)
    except TypeError as error:
        raise ConfigError(where, "the arguments do not fit", found=error, remedy=REMEDY) from None


def _method(path: Path, name: str, entry: dict[str, Any], common: Any, protocols: tuple[str, ...]) -> Method:
    where = f"{path}, study.methods.{name}"
    kinds = [kind for kind in KINDS if kind in entry]
    _only(entry, path, f"study.methods.{name}", set(kinds), {"title", "changes", "protocols"})
    if len(kinds) != 1:
        raise ConfigError(where, f"needs one of {KINDS} = a config", found=kinds, remedy=REMEDY)
    config = (path.parent / str(entry[kinds[0]])).resolve()
    if not config.is_file():
        raise ConfigError(where, "no such config", found=str(config), remedy="give its path relative to the study's")
    chosen = tuple(entry.get("protocols", protocols))
    if unknown := set(chosen) - set(protocols):
        raise ConfigError(
            f"{where}.protocols", "no such protocol", found=sorted(unknown), remedy=f"use names of {protocols}"
        )
    return Method(name, str(entry.get("title", name)), kinds[0], config, {**common, **entry.get("changes", {})}, chosen)


def _splits(path: Path, entries: Any) -> tuple[Split, ...]:
    splits = []
    for entry in entries if isinstance(entries, (list, tuple)) else [entries]:
        pair = entry if isinstance(entry, (list, tuple)) else (entry,)
        if not 1 <= len(pair) <= 2 or not all(type(number) is int and number >= 0 for number in pair):
            raise ConfigError(
                f"{path}, study.splits",
                "is neither a fold nor (fold, unused fold)",
                found=repr(entry),
                remedy="write splits=[0, 1, 2, 3, 4], or [(1, 0), (3, 2)] for inner validation",
            )
        splits.append(Split(*pair))
    if not splits or len(set(splits)) < len(splits) or len({split.unused_fold is None for split in splits}) > 1:
        raise ConfigError(
            f"{path}, study.splits",
            "needs different splits, all of them tests or all of them inner validation",
            found=repr(entries),
            remedy="test folds are read in a study of their own, after everything is chosen",
        )
    return tuple(splits)


def _seeds(path: Path, entries: Any) -> tuple[int, ...]:
    seeds = tuple(entries) if isinstance(entries, (list, tuple)) else ()
    if not seeds or len(set(seeds)) < len(seeds) or not all(type(seed) is int and 0 <= seed < 2**32 for seed in seeds):
        raise ConfigError(
            f"{path}, study.seeds", "needs different whole numbers", found=repr(entries), remedy="write seeds=[0, 1, 2]"
        )
    return seeds


def _comparisons(path: Path, entries: Sequence[Any], methods: dict[str, Method]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for entry in entries:
        ends = [tuple(str(end).split("/")) for end in entry]
        if len(ends) != 2 or not all(
            len(end) == 2 and end[0] in methods and end[1] in methods[end[0]].protocols for end in ends
        ):
            raise ConfigError(
                f"{path}, study.comparisons",
                "is no pair of METHOD/PROTOCOL of this study",
                found=repr(entry),
                remedy="write for example ('ssal/linear', 'supervised/finetune')",
            )
        pairs.append((str(entry[0]), str(entry[1])))
    return tuple(pairs)

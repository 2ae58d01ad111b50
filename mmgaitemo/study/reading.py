"""Reading a study's config: what cannot be meant is refused, by its key, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmgaitemo.errors import ConfigError
from mmgaitemo.study.plan import KINDS, Fusion, Method, Split, Study
from mmgaitemo.study.protocols import PROTOCOLS, FineTune, Protocol, UnfitError

REMEDY = "see configs/studies/smoke.py and docs/studies.md"
NEEDED = {"title", "data", "splits", "seeds", "methods", "protocols", "reference"}
OPTIONAL = {"changes", "comparisons", "ledger"}
OF_THE_STUDY = ("fold", "unused_fold", "randomness")  # what splits and seeds set in every method


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
    named = {key: _named(path, key, entries[key]) for key in ("protocols", "methods")}
    protocols = {name: _protocol(path, name, dict(entry)) for name, entry in named["protocols"].items()}
    common = _changes(f"{path}, study.changes", entries.get("changes", {}))
    plain, fused = ({n: e for n, e in named["methods"].items() if ("fuse" in e) == fuses} for fuses in (False, True))
    methods = {name: _method(path, name, dict(entry), common, protocols) for name, entry in plain.items()}
    fusions = {name: _fusion(path, name, dict(entry), methods) for name, entry in fused.items()}
    reference, ledger = entries["reference"], entries.get("ledger")
    for key in ("title", "data"):
        if not isinstance(entries[key], str) or not entries[key].strip():
            raise ConfigError(
                f"{path}, study.{key}", "needs words, which every table shows", found=repr(entries[key]), remedy=REMEDY
            )
    if not isinstance(reference, str) or reference not in named["methods"]:
        raise ConfigError(
            f"{path}, study.reference", "no such method", found=reference, remedy=f"use one of {[*named['methods']]}"
        )
    if not isinstance(ledger, (str, type(None))):
        raise ConfigError(f"{path}, study.ledger", "is no path", found=repr(ledger), remedy=REMEDY)
    return Study(
        name=path.stem,
        title=entries["title"],
        data=entries["data"],
        methods=methods,
        protocols=protocols,
        splits=_splits(path, entries["splits"]),
        seeds=_seeds(path, entries["seeds"]),
        reference=reference,
        comparisons=_comparisons(path, entries.get("comparisons", ()), {**methods, **fusions}),
        ledger=None if ledger is None else (path.parent / ledger).resolve(),
        titles={name: _title(name, entry) for name, entry in named["protocols"].items()},
        fusions=fusions,
    )


def _only(entries: dict[str, Any], path: Path, where: str, needed: set[str], optional: set[str]) -> dict[str, Any]:
    missing, unknown = needed - entries.keys(), entries.keys() - needed - optional
    if missing or unknown:
        raise ConfigError(
            f"{path}, {where}",
            "has not the keys of a study",
            found=f"missing {sorted(missing)}, unknown {sorted(unknown, key=str)}",
            remedy=REMEDY,
        )
    return entries


def _named(path: Path, key: str, entries: Any) -> dict[str, Mapping[str, Any]]:
    good = isinstance(entries, Mapping) and all(isinstance(entry, Mapping) for entry in entries.values())
    # Names become files and words of a command line, so that none may begin like an option.
    bad = [name for name in entries if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", str(name))] if good else []
    if not good or not entries or bad or "pretrain" in entries or not all(isinstance(name, str) for name in entries):
        raise ConfigError(
            f"{path}, study.{key}",
            "needs names of letters, digits, _ and - that begin with a letter or digit, each with a dict; "
            "'pretrain' is taken",
            found=bad or repr(entries)[:200],
            remedy=REMEDY,
        )
    titles = [_title(name, entry) for name, entry in entries.items()]
    if same := {title for title in titles if titles.count(title) > 1}:
        raise ConfigError(
            f"{path}, study.{key}",
            "has two of one title, which tables and pictures could not tell apart",
            found=sorted(same),
            remedy="give each a title of its own",
        )
    return dict(entries)


def _title(name: str, entry: Mapping[str, Any]) -> str:
    return str(entry.get("title", name))


def _protocol(path: Path, name: str, entry: dict[str, Any]) -> Protocol:
    entry.pop("title", None)
    kind = PROTOCOLS.get(str(entry.pop("type", None)))
    where = f"{path}, study.protocols.{name}"
    if kind is None:
        raise ConfigError(where, "has no such type", remedy=f"use one of {sorted(PROTOCOLS)}")
    if "config" in entry:
        entry["config"] = str(_config(path, f"{where}.config", entry["config"]))
    try:
        return kind(**entry)
    except TypeError as error:
        raise ConfigError(where, "the arguments do not fit", found=error, remedy=REMEDY) from None
    except UnfitError as error:
        raise ConfigError(
            f"{where}.{error.key}", f"needs {error.needs}", found=repr(error.found), remedy=REMEDY
        ) from None


def _config(path: Path, where: str, name: Any) -> Path:
    config = (path.parent / name).resolve() if isinstance(name, str) else None
    if config is None or not config.is_file():
        raise ConfigError(
            where, "no such config", found=config or repr(name), remedy="give its path relative to the study's"
        )
    return config


def _changes(where: str, changes: Any) -> dict[str, Any]:
    if not isinstance(changes, Mapping) or not all(isinstance(key, str) for key in changes):
        raise ConfigError(
            where, "is no dict of dotted keys", found=repr(changes), remedy="write changes={'model.drop': None}"
        )
    if owned := [key for key in changes if {key.split(".")[0], key.split(".")[-1]} & {*OF_THE_STUDY}]:
        raise ConfigError(
            where, "sets what splits and seeds of the study set", found=owned, remedy="leave it out, or change those"
        )
    return dict(changes)


def _method(
    path: Path, name: str, entry: dict[str, Any], common: dict[str, Any], protocols: dict[str, Protocol]
) -> Method:
    where = f"{path}, study.methods.{name}"
    kinds = [kind for kind in KINDS if kind in entry]
    _only(entry, path, f"study.methods.{name}", set(kinds), {"title", "changes", "protocols"})
    if len(kinds) != 1:
        raise ConfigError(
            where, f"needs one of {KINDS} = a config, or fuse = names of methods", found=kinds, remedy=REMEDY
        )
    config = _config(path, f"{where}.{kinds[0]}", entry[kinds[0]])
    chosen = _chosen(f"{where}.protocols", "no such protocol", entry.get("protocols", (*protocols,)), [*protocols])
    if trains := [one for one in chosen if kinds[0] == "kinematics" and isinstance(protocols[one], FineTune)]:
        raise ConfigError(
            f"{where}.protocols",
            "hand-made features have no encoder to fine-tune",
            found=trains,
            remedy="name its protocols without it",
        )
    changes = _changes(f"{where}.changes", entry.get("changes", {}))
    return Method(name, _title(name, entry), kinds[0], config, {**common, **changes}, chosen)


def _fusion(path: Path, name: str, entry: dict[str, Any], methods: dict[str, Method]) -> Fusion:
    where = f"{path}, study.methods.{name}"
    _only(entry, path, f"study.methods.{name}", {"fuse"}, {"title", "protocols"})
    members = _chosen(f"{where}.fuse", "no such method with a config", entry["fuse"], [*methods])
    if len(members) < 2:
        raise ConfigError(f"{where}.fuse", "needs two methods or more", found=members, remedy="name their names")
    shared = [one for one in methods[members[0]].protocols if all(one in methods[m].protocols for m in members)]
    chosen = _chosen(
        f"{where}.protocols", "no protocol that all its members have", entry.get("protocols", shared), shared
    )
    return Fusion(name, _title(name, entry), members, chosen)


def _chosen(where: str, problem: str, names: Any, known: list[str]) -> tuple[str, ...]:
    """A list of some of the known names, each once."""
    listed = isinstance(names, (list, tuple)) and len(names) > 0
    if unknown := [one for one in names if one not in known] if listed else repr(names):
        raise ConfigError(where, problem, found=unknown, remedy=f"write a list of names of {(*known,)}")
    if len(set(names)) < len(names):
        raise ConfigError(where, "names one twice", found=list(names), remedy="name each once")
    return tuple(names)


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
    if not seeds or not all(type(seed) is int and 0 <= seed < 2**32 for seed in seeds) or len(set(seeds)) < len(seeds):
        raise ConfigError(
            f"{path}, study.seeds", "needs different whole numbers", found=repr(entries), remedy="write seeds=[0, 1, 2]"
        )
    return seeds


def _comparisons(path: Path, entries: Any, methods: dict[str, Method | Fusion]) -> tuple[tuple[str, str], ...]:
    known = {f"{name}/{protocol}" for name, method in methods.items() for protocol in method.protocols}
    pairs: list[tuple[str, str]] = []
    for entry in entries if isinstance(entries, (list, tuple)) else [entries]:
        pair = tuple(entry) if isinstance(entry, (list, tuple)) else ()
        if len(pair) != 2 or not all(isinstance(end, str) and end in known for end in pair):
            raise ConfigError(
                f"{path}, study.comparisons",
                "is no pair of METHOD/PROTOCOL of this study",
                found=repr(entry),
                remedy="write for example ('ssal/linear', 'supervised/finetune')",
            )
        if pair[0] == pair[1] or {*pair} in [{*other} for other in pairs]:
            raise ConfigError(
                f"{path}, study.comparisons",
                "compares something with itself, or a second time",
                found=repr(entry),
                remedy="write each pair once: Holm's correction counts them all",
            )
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)

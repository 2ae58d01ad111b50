"""The folder of a study: finished cells, one JSON line each, and what is still missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from mmgaitemo.errors import ConfigError
from mmgaitemo.files import unfinished
from mmgaitemo.study.encoders import is_kept
from mmgaitemo.study.job import Identity, Todo, classes_of, fused_identities, identities
from mmgaitemo.study.lines import PRETRAIN, Key, is_finite, key_of, read_lines, read_sound_lines, write_lines
from mmgaitemo.study.plan import Job, Split, Study
from mmgaitemo.work_dir import only_run_in


class Store:
    """The folder of a study; nothing is read or written before ``merge``.

    ``cells.jsonl``, kept in version control; ``superseded.jsonl``, lines of settings that were changed since; and
    ``work/``, logs and scores of the jobs.

    Args:
        out: The folder.
        study: Whose cells it holds.

    Raises:
        GaitError: A method's config or data cannot work, or the folder belongs to another study.
    """

    def __init__(self, out: Path, study: Study) -> None:
        self.out, self.study = out, study
        self.cells, self.superseded = out / "cells.jsonl", out / "superseded.jsonl"
        self._check_owner()
        hashes = {
            (method.name, split): identities(study, method, split)
            for method, split in product(study.methods.values(), study.splits)
        }
        for fusion, split in product(study.fusions.values(), study.splits):
            parts = [hashes[member, split] for member in fusion.members]
            hashes[fusion.name, split] = fused_identities(study, fusion, parts)
        self._check_comparable(hashes)
        self._hashes = hashes
        self.jobs = {job: hashes[job.method, job.split][job.seed] for job in study.jobs()}
        self.lines: dict[Key, dict[str, Any]] = {}
        self.abandoned: list[dict[str, Any]] = []  # of other settings, superseded since this object was made
        self._told: set[str] = set()

    def _check_comparable(self, hashes: dict[tuple[str, Split], dict[int, Identity]]) -> None:
        seed = self.study.seeds[0]
        for split in self.study.splits:
            own = {name: hashes[name, split][seed] for name in self.study.asked_of}
            first = next(iter(own))
            for name, identity in own.items():
                where = f"study.methods.{name}"
                if identity.data.held_out != own[first].data.held_out:
                    raise ConfigError(
                        where,
                        f"is evaluated on other walks than {first}, so that they cannot be compared",
                        found=f"split {split}: other ids, labels, classes or persons",
                        remedy="give both configs the same held-out data",
                    )
                alike = [other for other, one in own.items() if other != name and one.features == identity.features]
                asked = self.study.asked_of[name].protocols
                if same := [other for other in alike if {*asked} & {*self.study.asked_of[other].protocols}]:
                    raise ConfigError(
                        where,
                        f"is the same as {same[0]}: nothing that decides the features differs",
                        remedy="correct its changes, or leave one of the two out",
                    )

    def _check_owner(self) -> None:
        path = self.out / "study.json"
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))["study"]
        except FileNotFoundError:  # describe writes it
            return
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                str(path),
                "does not say whose folder this is",
                found=repr(error),
                remedy=f"restore the file, or take it out if the cells here are those of {self.study.name}",
            ) from None
        if owner != self.study.name:
            raise ConfigError(
                str(path),
                f"the folder holds another study than {self.study.name}",
                found=owner,
                remedy="pass --out with another folder, or take study.json out if the config was renamed",
            )

    def merge(self) -> None:
        """Take the lines that jobs have written since into ``cells.jsonl``.

        A line whose settings have changed, whose metrics are no numbers, or of whose cell another line is there already
        moves to ``superseded.jsonl``; lines that are not asked for now (another seed, a method taken out) stay. Damaged
        lines of a job are reported.

        Raises:
            DataError: ``cells.jsonl`` is damaged.
        """
        wanted = dict(pair for job, identity in self.jobs.items() for pair in expected(self.study, job, identity))
        kept: dict[Key, dict[str, Any]] = {}
        gone: dict[str, dict[str, Any]] = {}
        before = read_lines(self.cells)
        for line in [*before, *self._written()]:
            key = key_of(line)
            if not is_finite(line) or wanted.get(key, line["hash"]) != line["hash"] or kept.get(key, line) != line:
                gone[json.dumps(line)] = line
            else:
                kept[key] = line
        order = {key: place for place, key in enumerate(wanted)}
        whole = sorted(kept.values(), key=lambda line: order.get(key_of(line), len(order)))
        known = {json.dumps(line): line for line in read_lines(self.superseded)}
        if new := gone.keys() - known.keys():
            write_lines(self.superseded, (known | gone).values())
            print(
                f"{len(new)} lines do not count, because they were made with other settings, hold no numbers or are of "
                "a cell that is there already: they are in superseded.jsonl"
            )
            lines = [gone[text] for text in sorted(new)]
            self.abandoned += [line for line in lines if wanted.get(key_of(line), line["hash"]) != line["hash"]]
        if whole != before or not self.cells.exists():
            write_lines(self.cells, whole)
        self.lines = {key: line for key, line in kept.items() if key in wanted}

    def _written(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self.out / "work").glob("*/*/lines.jsonl")):
            lines, damaged = read_sound_lines(path)
            yield from lines
            if damaged and str(path) not in self._told:
                self._told.add(str(path))
                print(f"{path}: lines {damaged} are no finished cells and do not count")

    def todo(self, methods: list[str] | None = None) -> list[Todo]:
        """Jobs with something missing, of these methods or of all, in the order of the study."""
        found = []
        for job, identity in self.jobs.items():
            missing = frozenset(key[-1] for key, _ in expected(self.study, job, identity) if key not in self.lines)
            if missing and (methods is None or job.method in methods):
                found.append(Todo(job, identity, missing))
        return found

    def to_train(self, todo: list[Todo], kept: Path) -> dict[str, int]:
        """Encoders of each method that jobs need, a fusion's of its members, and that are not in the folder ``kept``.

        An encoder that several methods or fusions share counts once.
        """
        needed: dict[str, str] = {}
        for job in (entry.job for entry in todo):
            for part in self.study.parts(job.method):
                own = self._hashes[part.name, job.split][job.seed].features
                if part.kind == PRETRAIN and not is_kept(kept / own):
                    needed.setdefault(own, part.name)
        return dict(Counter(needed.values()))

    def count(self) -> int:
        """Finished cells; the lines about encoders are none."""
        return sum(key[-1] != PRETRAIN for key in self.lines)

    def accuracies(self, job: Job) -> str:
        """What the protocols of a job gave, in words."""
        place = (job.method, job.split.fold, job.split.unused_fold, job.seed)
        lines = {name: self.lines.get((*place, name)) for name in self.study.asked_of[job.method].protocols}
        return ", ".join(f"{name} {line['metrics']['accuracy']:.3f}" for name, line in lines.items() if line)

    def describe(self, machine: str) -> None:
        """Write ``study.json``: what a report has to know beside the cells."""
        study = self.study
        classes, class_note = classes_of(study)
        content = {
            "study": study.name,
            "title": study.title,
            "data": study.data,
            "purpose": study.purpose,
            "classes": classes,
            "class_note": class_note,
            "methods": {name: method.title for name, method in study.asked_of.items()},
            "protocols": study.titles,
            "applies": {name: list(method.protocols) for name, method in study.asked_of.items()},
            "once": {name: list(study.once(method)) for name, method in study.asked_of.items()},
            "reference": study.reference,
            "comparisons": [list(pair) for pair in study.comparisons],
            "splits": [str(split) for split in study.splits],
            "seeds": list(study.seeds),
            "machine": machine,
        }
        with unfinished(self.out / "study.json") as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Keep other drivers out of the folder of a study while the block lasts.

    Raises:
        ConfigError: One is at work in it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(only_run_in(out / "work", shared=False))
        except ConfigError:
            raise ConfigError(
                str(out),
                "a study is running in it",
                found=(out / "work/.lock").read_text(encoding="utf-8").strip(),
                remedy="wait for it, or pass --out with another folder",
            ) from None
        yield


def job_folder(out: Path, job: Job) -> Path:
    """Where a job writes its log, lines and scores."""
    return out / "work" / str(job)


def todo_of(out: Path, study: Study, job: Job) -> Todo:
    """What is missing of one job; read by the job itself, which leaves the files of the study alone."""
    identity = identities(study, study.asked_of[job.method], job.split)[job.seed]
    lines = [*read_lines(out / "cells.jsonl"), *read_sound_lines(job_folder(out, job) / "lines.jsonl")[0]]
    done = {(key_of(line), line["hash"]) for line in lines if is_finite(line)}
    return Todo(
        job, identity, frozenset(key[-1] for key, own in expected(study, job, identity) if (key, own) not in done)
    )


def expected(study: Study, job: Job, identity: Identity) -> Iterator[tuple[Key, str]]:
    """Key and hash of every line of a job."""
    place = (job.method, job.split.fold, job.split.unused_fold, job.seed)
    if job.method in study.methods and study.methods[job.method].kind == PRETRAIN:
        yield (*place, PRETRAIN), identity.features
    for name, own in identity.protocols.items():
        yield (*place, name), own

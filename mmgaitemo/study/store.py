"""The folder of a study: finished cells, one JSON line each, and what is still missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmgaitemo.errors import DataError
from mmgaitemo.files import unfinished
from mmgaitemo.study.job import Identity, Todo, classes_of, identities
from mmgaitemo.study.plan import Job, Study

PRETRAIN = "pretrain"
Key = tuple[str, int, int | None, int, str]
NEEDED = {"method", "protocol", "fold", "unused_fold", "seed", "hash"}


class Store:
    """The folder of a study.

    ``cells.jsonl``, kept in version control; ``superseded.jsonl``, lines of settings that were changed since; and
    ``work/``, logs and scores of the jobs.

    Args:
        out: The folder; made where it is missing.
        study: Whose cells it holds.

    Raises:
        DataError: A file of it is damaged.
    """

    def __init__(self, out: Path, study: Study) -> None:
        self.out, self.study = out, study
        self.cells, self.superseded = out / "cells.jsonl", out / "superseded.jsonl"
        out.mkdir(parents=True, exist_ok=True)
        hashes = {
            (method.name, split): identities(study, method, split)
            for method in study.methods.values()
            for split in study.splits
        }
        self.jobs = {job: hashes[job.method, job.split][job.seed] for job in study.jobs()}
        self.lines: dict[Key, dict[str, Any]] = {}
        self.merge()

    def merge(self) -> None:
        """Take the lines that jobs have written since into ``cells.jsonl``.

        A line whose settings have changed moves to ``superseded.jsonl``; lines that are not asked for now (another
        seed, a method taken out) stay.
        """
        wanted = dict(pair for job, identity in self.jobs.items() for pair in expected(self.study, job, identity))
        kept: dict[Key, dict[str, Any]] = {}
        gone: dict[str, dict[str, Any]] = {}
        for line in self._written():
            key = key_of(line)
            if wanted.get(key, line["hash"]) == line["hash"]:
                kept.setdefault(key, line)
            else:
                gone[json.dumps(line)] = line
        order = {key: place for place, key in enumerate(wanted)}
        whole = sorted(kept.values(), key=lambda line: order.get(key_of(line), len(order)))
        if whole != read_lines(self.cells) or not self.cells.exists():
            _write(self.cells, whole)
        before = {json.dumps(line): line for line in read_lines(self.superseded)}
        if new := gone.keys() - before.keys():
            _write(self.superseded, (before | gone).values())
            print(
                f"{len(new)} cells were made with other settings: they are run again, the old are in superseded.jsonl"
            )
        self.lines = {key: line for key, line in kept.items() if key in wanted}

    def _written(self) -> Iterator[dict[str, Any]]:
        yield from read_lines(self.cells)
        for path in sorted((self.out / "work").glob("*/*/lines.jsonl")):
            yield from read_lines(path)

    def todo(self) -> list[Todo]:
        """Jobs with something missing, in the order of the study."""
        found = []
        for job, identity in self.jobs.items():
            missing = frozenset(key[-1] for key, _ in expected(self.study, job, identity) if key not in self.lines)
            if missing:
                found.append(Todo(job, identity, missing))
        return found

    def describe(self, machine: str) -> None:
        """Write ``study.json``: what a report has to know beside the cells."""
        study = self.study
        content = {
            "study": study.name,
            "title": study.title,
            "data": study.data,
            "purpose": study.purpose,
            "classes": list(classes_of(study)),
            "methods": {name: method.title for name, method in study.methods.items()},
            "protocols": study.titles,
            "reference": study.reference,
            "comparisons": [list(pair) for pair in study.comparisons],
            "splits": [str(split) for split in study.splits],
            "seeds": list(study.seeds),
            "machine": machine,
        }
        with unfinished(self.out / "study.json") as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def job_folder(out: Path, job: Job) -> Path:
    """Where a job writes its log, lines and scores."""
    return out / "work" / str(job)


def todo_of(out: Path, study: Study, job: Job) -> Todo:
    """What is missing of one job; read by the job itself, which leaves the files of the study alone."""
    identity = identities(study, study.methods[job.method], job.split)[job.seed]
    lines = [*read_lines(out / "cells.jsonl"), *read_lines(job_folder(out, job) / "lines.jsonl")]
    done = {(key_of(line), line["hash"]) for line in lines}
    return Todo(
        job, identity, frozenset(key[-1] for key, own in expected(study, job, identity) if (key, own) not in done)
    )


def expected(study: Study, job: Job, identity: Identity) -> Iterator[tuple[Key, str]]:
    """Key and hash of every line of a job."""
    place = (job.method, job.split.fold, job.split.unused_fold, job.seed)
    if study.methods[job.method].kind == PRETRAIN:
        yield (*place, PRETRAIN), identity.features
    for name, own in identity.protocols.items():
        yield (*place, name), own


def key_of(line: dict[str, Any]) -> Key:
    """Which cell a line is about."""
    return line["method"], line["fold"], line["unused_fold"], line["seed"], line["protocol"]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, none if there is none; an unfinished last one, of a job that was killed, does not count."""
    if not path.is_file():
        return []
    found = []
    texts = path.read_text(encoding="utf-8").split("\n")
    for number, text in enumerate(texts[:-1], 1):
        try:
            line = json.loads(text)
            if not isinstance(line, dict) or NEEDED - line.keys():
                raise ValueError(f"not all of {sorted(NEEDED)}")
        except ValueError as error:
            raise DataError(
                f"{path}, line {number}",
                "is no finished cell",
                found=error,
                remedy="restore the file, or take the line out: its cell is run again",
            ) from None
        found.append(line)
    return found


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with unfinished(path) as partial:
        partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

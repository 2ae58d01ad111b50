"""Reading what a study left: study.json and cells.jsonl, strictly checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgaitemo.conversion.json_file import parse_json
from mmgaitemo.errors import DataError
from mmgaitemo.statistics.cell_lines import (
    IMPOSSIBLE,
    PRETRAIN,
    Cell,
    End,
    NotFiniteError,
    Pretraining,
    Run,
    checked,
    count,
    order,
    problem,
    read_cell,
    read_pretraining,
    run_of,
)

PURPOSES = ("test", "inner validation")
_NAME = re.compile(r"[A-Za-z0-9_-]+")  # names become names of files
_SPLIT = re.compile(r"fold(\d+)(?:_without(\d+))?")
_REMEDY = "pass the folder that tools/study.py wrote, with its files as they are"
_LINE_REMEDY = "restore the file, or take the line out: tools/study.py runs its cell again"


@dataclass(frozen=True)
class StudyResult:
    """A study and its finished cells.

    Attributes:
        class_note: What a reader of the class names has to know; may be empty.
        methods: Name to title, in the order of tables; ``protocols`` likewise.
        applies: The (method, protocol) pairs that the study asks for, in the order of tables.
        once: Those of them in which nothing is random: only ``seeds[0]`` is asked for.
        reference: The method that the others are compared with.
        comparisons: Further pairs of (method, protocol).
        runs: Splits x seeds that the study asks for.
        seeds: Its seeds.
        cells: By (method, protocol), then run.
        left_out: Cells of the file that the study does not ask for, METHOD/PROTOCOL to their number.
        broken: Lines of the file that were skipped because they hold NaN or infinity, and where it stands.
    """

    folder: Path
    title: str
    data: str
    purpose: str
    machine: str
    classes: tuple[str, ...]
    class_note: str
    methods: dict[str, str]
    protocols: dict[str, str]
    applies: tuple[End, ...]
    once: frozenset[End]
    reference: str
    comparisons: tuple[tuple[End, End], ...]
    runs: tuple[Run, ...]
    seeds: tuple[int, ...]
    cells: dict[End, dict[Run, Cell]]
    pretrainings: tuple[Pretraining, ...]
    left_out: dict[str, int]
    broken: tuple[str, ...]

    @property
    def note(self) -> str:
        """What every table and picture has to say: which data, and whether test folds were read."""
        return f"{self.data}; {'test folds' if self.purpose == 'test' else self.purpose}"

    def asked(self, end: End) -> list[Run]:
        """The runs that the study asks of a method and protocol."""
        return _asked(end, self.runs, self.once, self.seeds)

    def every_cell(self) -> list[tuple[End, Run, Cell]]:
        """All cells, of all methods and protocols."""
        return [(end, run, cell) for end, runs in self.cells.items() for run, cell in runs.items()]


def _asked(end: End, runs: Iterable[Run], once: frozenset[End], seeds: Sequence[int]) -> list[Run]:
    return [run for run in runs if end not in once or run[2] == seeds[0]]


def read_results(folder: str | Path) -> StudyResult:
    """Read a study's folder.

    The file of cells may hold more than study.json asks for: methods that were taken out, other seeds, seeds of what
    draws nothing any more. Nobody checked whether their settings are still those of the study, so that they are left
    out and counted. A cell with NaN, as a
    run leaves it that diverged, is no score: it is skipped with a warning, and missing.

    Raises:
        DataError: A file is missing, damaged or of something else, or its cells do not belong together.
    """
    folder = Path(folder)
    about = _about(folder / "study.json")
    where = str(folder / "cells.jsonl")
    found: dict[tuple[End, Run], Cell | Pretraining] = {}
    left_out: Counter[str] = Counter()
    broken: list[str] = []
    ends = [*about["applies"], *((method, PRETRAIN) for method in about["methods"])]
    asked = {(end, run) for end in ends for run in _asked(end, about["runs"], about["once"], about["seeds"])}
    for number, text in enumerate(_text(folder / "cells.jsonl").splitlines(), start=1):
        place = f"{where}, line {number}"
        line = _object(text, place, _LINE_REMEDY)
        try:
            end, run = (line["method"], line["protocol"]), run_of(line)
            if (end, run) not in asked:
                left_out["/".join(end)] += 1
            elif (end, run) in found:
                raise ValueError("this cell stands here twice; keep one of the two lines")
            elif end[1] == PRETRAIN:
                found[end, run] = read_pretraining(line)
            else:
                found[end, run] = read_cell(line, len(about["classes"]))
        except NotFiniteError as error:
            broken.append(f"line {number}, {'/'.join(end)}: {error}")
        except IMPOSSIBLE as error:
            raise DataError(place, "is no cell of this study", found=problem(error), remedy=_LINE_REMEDY) from None
    runs = about["runs"]
    cells = {end: {run: c for run in runs if isinstance(c := found.get((end, run)), Cell)} for end in about["applies"]}
    trained = (found.get(((method, PRETRAIN), run)) for method in about["methods"] for run in runs)
    if not any(cells.values()):
        raise DataError(
            where,
            "holds no finished cell of this study",
            found=[*left_out, *broken] or None,
            remedy="run the study first: tools/study.py",
        )
    return StudyResult(
        folder=folder,
        cells={end: by_run for end, by_run in cells.items() if by_run},
        pretrainings=tuple(record for record in trained if isinstance(record, Pretraining)),
        left_out=dict(sorted(left_out.items())),
        broken=tuple(broken),
        **about,
    )


def _about(path: Path) -> dict[str, Any]:
    raw = _object(_text(path), str(path), _REMEDY)
    try:
        texts = {key: checked(raw[key], str, key) for key in ("title", "data", "purpose", "machine", "reference")}
        names = {key: _titles(raw[key], key) for key in ("methods", "protocols")}
        applies, once = (_ends(checked(raw[key], dict, key), names) for key in ("applies", "once"))
        class_note = checked(raw.get("class_note", ""), str, "class_note")
        classes = tuple(checked(name, str, "classes") for name in checked(raw["classes"], list, "classes"))
        pairs = tuple(_pair(entry, applies) for entry in checked(raw.get("comparisons", []), list, "comparisons"))
        splits = [_split(name, texts["purpose"]) for name in checked(raw["splits"], list, "splits")]
        seeds = [count(seed) for seed in checked(raw["seeds"], list, "seeds")]
        runs = tuple(sorted({(*split, seed) for split in splits for seed in seeds}, key=order))
        if texts["purpose"] not in PURPOSES or not runs or texts["reference"] not in names["methods"] or not classes:
            raise ValueError(f"purpose {texts['purpose']!r}, reference {texts['reference']!r}, classes {classes}")
    except IMPOSSIBLE as error:
        raise DataError(str(path), "describes no study", found=problem(error), remedy=_REMEDY) from None
    asked = {"applies": applies, "once": frozenset(once), "comparisons": pairs, "runs": runs, "seeds": tuple(seeds)}
    return {**texts, **names, **asked, "classes": classes, "class_note": class_note}


def _titles(raw: Any, key: str) -> dict[str, str]:
    if not checked(raw, dict, key) or PRETRAIN in raw or not all(_NAME.fullmatch(name) for name in raw):
        raise ValueError(f"{key} {[*raw]}")
    if len({str(title) for title in raw.values()}) < len(raw):  # tables and legends could not tell them apart
        raise ValueError(f"two {key} have the same title")
    return {name: checked(title, str, key) for name, title in raw.items()}


def _ends(raw: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> tuple[End, ...]:
    own = {(method, name) for method, protocols in raw.items() for name in checked(protocols, list, method)}
    known = [(method, protocol) for protocol in names["protocols"] for method in names["methods"]]
    if not own <= {*known}:
        raise ValueError(f"{sorted(own - {*known})} are no methods and protocols of this study")
    return tuple(end for end in known if end in own)


def _split(name: Any, purpose: str) -> tuple[int, int | None]:
    match = _SPLIT.fullmatch(checked(name, str, "splits"))
    if match is None or (match[2] is None) != (purpose == "test") or match[1] == match[2]:
        raise ValueError(f"split {name} in a study for {purpose}")
    return int(match[1]), None if match[2] is None else int(match[2])


def _pair(entry: Any, applies: Collection[End]) -> tuple[End, End]:
    ends = [tuple(checked(end, str, "comparisons").split("/")) for end in checked(entry, list, "comparisons")]
    if len(ends) != 2 or not all(end in applies for end in ends):
        raise ValueError(f"comparison {entry} is no pair of METHOD/PROTOCOL of this study")
    return (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), "cannot be read", found=error, remedy=_REMEDY) from None


def _object(text: str, where: str, remedy: str) -> dict[str, Any]:
    try:
        return checked(parse_json(text), dict, "it")
    except (ValueError, TypeError) as error:
        raise DataError(where, "is no JSON object", found=error, remedy=remedy) from None

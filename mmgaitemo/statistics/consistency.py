"""Do the cells of a study belong together, and are all of them there?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from mmgaitemo.errors import DataError
from mmgaitemo.statistics.study_files import End, Run, StudyResult


def check_together(study: StudyResult) -> None:
    """Refuse to compare what was not measured on the same walks.

    Raises:
        DataError: Two cells of a fold have other walks, two seeds of a method saw other data, or some cells of a
            protocol have a metric that others lack.
    """
    cells = study.every_cell()
    _same(
        study,
        "evaluated other walks, or walks in another order",
        ((run[0], end, run, (cell.truth.tobytes(), cell.groups)) for end, run, cell in cells),
    )
    _same(
        study,
        "saw other data (data_hash)",
        (((end[0], run[:2]), end, run, cell.data_hash) for end, run, cell in cells),
    )
    _same(
        study,
        "have other metrics",
        ((end, end, run, tuple(cell.metrics)) for end, run, cell in cells),
    )


def _same(study: StudyResult, problem: str, rows: Iterable[tuple[Hashable, End, Run, Hashable]]) -> None:
    first: dict[Hashable, tuple[End, Run, Hashable]] = {}
    for key, end, run, value in rows:
        end_before, run_before, before = first.setdefault(key, (end, run, value))
        if value != before:
            raise DataError(
                str(study.folder / "cells.jsonl"),
                f"two cells that should be comparable {problem}",
                found=f"{named(end_before, run_before)} and {named(end, run)}",
                remedy="remove the lines of other data and run the study again for the missing cells",
            )


def named(end: End, run: Run) -> str:
    """A cell's name for people: ``ssal/linear fold 1 (fold 0 unused) seed 2``."""
    return f"{'/'.join(end)} {_place(run)}"


def _place(run: Run) -> str:
    fold, unused, seed = run
    return f"fold {fold}{'' if unused is None else f' (fold {unused} unused)'} seed {seed}"


def missing_cells(study: StudyResult) -> dict[End, list[str]]:
    """Cells that the study asks for and that are not there.

    Of a method with one seed (``single_seeds``) no other seed is expected. A method and protocol without any cell is
    taken for no part of the study: not every protocol applies to every method.

    Returns:
        (method, protocol) to places, for those where something is missing.
    """
    missing = {}
    single = single_seeds(study)
    for end, runs in study.cells.items():
        expected = [run for run in study.runs if end[0] not in single or run[2] == single[end[0]]]
        if absent := [run for run in expected if run not in runs]:
            missing[end] = [_place(run) for run in absent]
    return missing


def single_seeds(study: StudyResult) -> dict[str, int]:
    """Methods without training of which only one of several seeds is there, as of hand-made features: name to seed."""
    trained = {run.method for run in study.pretrainings}
    seeds: dict[str, set[int]] = {}
    for (method, _), run, _ in study.every_cell():
        seeds.setdefault(method, set()).add(run[2])
    several = len({run[2] for run in study.runs}) > 1
    return {name: min(own) for name, own in seeds.items() if several and len(own) == 1 and name not in trained}


def size_ratio(study: StudyResult, runs: Iterable[Run]) -> float:
    """n_test / n_train of some runs.

    Shares of labels do not count: they leave the split, whose overlap matters, as it is. Nor do walks that are
    only pre-trained on: they are in no fold, and the same in every run.
    """
    sizes = {run: (len(cell.truth), cell.training_walks) for _, run, cell in study.every_cell()}
    chosen = [sizes[run] for run in runs]
    return sum(test for test, _ in chosen) / sum(train for _, train in chosen)

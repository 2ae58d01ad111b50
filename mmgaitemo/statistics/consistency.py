"""Do the cells of a study belong together, and are all of them there?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from mmgaitemo.errors import DataError
from mmgaitemo.statistics.cell_lines import End, Run, order
from mmgaitemo.statistics.study_files import StudyResult


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
    """A cell's name for people: ``ssal/linear fold 1 (0 unused), seed 2``."""
    return f"{'/'.join(end)} {places([run])}"


def missing_cells(study: StudyResult) -> dict[End, list[Run]]:
    """Cells that the study asks for and that are not there.

    Returns:
        (method, protocol) to runs, for those where something is missing.
    """
    missing = {}
    for end in study.applies:
        if absent := [run for run in study.asked(end) if run not in study.cells.get(end, {})]:
            missing[end] = absent
    return missing


def places(runs: Iterable[Run]) -> str:
    """Runs for people: ``fold 0, seeds 1, 2; fold 3, seed 2``; folds with the same seeds stand together."""
    seeds: dict[str, list[str]] = {}
    for fold, unused, seed in sorted(runs, key=order):
        seeds.setdefault(f"{fold}{'' if unused is None else f' ({unused} unused)'}", []).append(str(seed))
    folds: dict[str, list[str]] = {}
    for split, own in seeds.items():
        folds.setdefault(f"seed{'s' if len(own) > 1 else ''} {', '.join(own)}", []).append(split)
    return "; ".join(f"fold{'s' if len(s) > 1 else ''} {', '.join(s)}, {own}" for own, s in folds.items())


def size_ratio(study: StudyResult, runs: Iterable[Run]) -> float:
    """n_test / n_train of some runs.

    Shares of labels do not count: they leave the split, whose overlap matters, as it is. Nor do walks that are
    only pre-trained on: they are in no fold, and the same in every run.
    """
    sizes: dict[Run, tuple[int, int]] = {}
    for _, run, cell in study.every_cell():  # a method that was given fewer labels has the split of the others
        sizes[run] = len(cell.truth), max(cell.training_walks, sizes.get(run, (0, 0))[1])
    chosen = [sizes[run] for run in runs]
    return sum(test for test, _ in chosen) / sum(train for _, train in chosen)

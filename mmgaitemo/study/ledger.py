"""The ledger: how often the test folds were read, by which recipe, and what was found."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np

from mmgaitemo.errors import DataError
from mmgaitemo.study.identity import digest
from mmgaitemo.study.lines import PRETRAIN, append_line, is_finite
from mmgaitemo.study.plan import Study
from mmgaitemo.study.store import Store


def known_readings(study: Study) -> set[str]:
    """Recipes that the study's ledger holds; none where it has no ledger.

    Inner validation reads no test fold, and a study without a ledger (synthetic data) leaves none.

    Raises:
        DataError: The ledger is damaged.
    """
    path = study.ledger
    if path is None or not path.is_file():
        return set()
    found = set()
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.add(str(json.loads(text)["recipe"]))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{path}, line {number}",
                "is no reading of a test fold",
                found=repr(error),
                remedy="restore the file, or take out what stands there half",
            ) from None
    return found


def append_readings(store: Store) -> int:
    """Note every reading of the test folds that the ledger does not hold yet.

    A line has date, study, method, protocol, data, ``recipe`` (hash of all its cells), mean accuracy, the number of
    cells and the commits that made them. What has all its cells is a reading, and so are cells that were superseded,
    because somebody saw them and changed something: those are marked ``"abandoned": true``.

    Returns:
        How many were noted.

    Raises:
        DataError: The ledger is damaged.
    """
    path = store.study.ledger
    if path is None or store.study.purpose != "test":
        return 0
    known = known_readings(store.study)
    unfinished = {(todo.job.method, name) for todo in store.todo() for name in todo.missing}
    finished = [line for key, line in store.lines.items() if (line["method"], key[-1]) not in unfinished]
    new = []
    for lines, marks in ((finished, {}), (store.abandoned, {"abandoned": True})):
        ends: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for line in lines:
            if line["protocol"] != PRETRAIN and is_finite(line):
                ends.setdefault((line["method"], line["protocol"]), []).append(line)
        readings = [_reading(store.study, *end, cells) | marks for end, cells in ends.items()]
        new += [reading for reading in readings if reading["recipe"] not in known]
        known |= {reading["recipe"] for reading in readings}
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
    for reading in new:
        append_line(path, reading)
    return len(new)


def _reading(study: Study, method: str, protocol: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "study": study.name,
        "method": method,
        "protocol": protocol,
        "data": study.data,
        "recipe": digest(sorted(line["hash"] for line in cells)),
        "accuracy": round(float(np.mean([line["metrics"]["accuracy"] for line in cells])), 4),
        "cells": len(cells),
        "commit": ", ".join(sorted({line["commit"] for line in cells})),
    }

"""The ledger: how often the test folds were read, by which recipe, and what was found."""

from __future__ import annotations

import json
from datetime import date

import numpy as np

from mmgaitemo.errors import DataError
from mmgaitemo.study.identity import digest
from mmgaitemo.study.lines import append_line
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
    """Append a line for every method and protocol whose cells are complete and not in the ledger yet; how many.

    A line has date, study, method, protocol, data, ``recipe`` (hash of all its cells), mean accuracy and the number of
    cells.

    Raises:
        DataError: The ledger is damaged.
    """
    path = store.study.ledger
    if path is None or store.study.purpose != "test":
        return 0
    known = known_readings(store.study)
    unfinished = {(todo.job.method, name) for todo in store.todo() for name in todo.missing}
    new = []
    for method in store.study.methods.values():
        for protocol in method.protocols:
            cells = [
                line for line in store.lines.values() if (line["method"], line["protocol"]) == (method.name, protocol)
            ]
            recipe = digest(sorted(line["hash"] for line in cells))
            if (method.name, protocol) in unfinished or recipe in known:
                continue
            new.append(
                {
                    "date": date.today().isoformat(),
                    "study": store.study.name,
                    "method": method.name,
                    "protocol": protocol,
                    "data": store.study.data,
                    "recipe": recipe,
                    "accuracy": round(float(np.mean([line["metrics"]["accuracy"] for line in cells])), 4),
                    "cells": len(cells),
                }
            )
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
    for line in new:
        append_line(path, line)
    return len(new)

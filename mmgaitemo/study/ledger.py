"""The ledger: how often the test folds were read, by which recipe, and what was found."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np

from mmgaitemo.study.identity import digest
from mmgaitemo.study.store import PRETRAIN, Store


def append_readings(store: Store) -> int:
    """Append a line for every method and protocol whose cells are complete and not in the ledger yet; how many.

    A line has date, study, method, protocol, data, ``recipe`` (hash of all its cells), mean accuracy and the number of
    cells. Inner validation reads no test fold, and a study without a ledger (synthetic data) leaves none.
    """
    path = store.study.ledger
    if path is None or store.study.purpose != "test":
        return 0
    known = {json.loads(line)["recipe"] for line in _texts(path)}
    unfinished = {(todo.job.method, name) for todo in store.todo() for name in todo.missing}
    new = []
    for method in store.study.methods.values():
        for protocol in method.protocols:
            cells = [
                line for line in store.lines.values() if (line["method"], line["protocol"]) == (method.name, protocol)
            ]
            recipe = digest(sorted(line["hash"] for line in cells))
            if (method.name, protocol) in unfinished or protocol == PRETRAIN or recipe in known:
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
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in new)
    return len(new)


def _texts(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

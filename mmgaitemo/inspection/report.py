"""The findings as tables for the eyes and as JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmgaitemo.errors import ConfigError
from mmgaitemo.files import unfinished
from mmgaitemo.inspection.check import NOTE, PROBLEM, Check
from mmgaitemo.version import __version__

_ROWS = 10  # findings shown of each check; the JSON file has all


def show(source: str, walks: int, checks: Sequence[Check], console: Console) -> None:
    """Print a line for every check, then what each of them found, worst first."""
    overview = Table("check", "question", "walks", "not applicable", "problems", "notes")
    for column in (2, 3, 4, 5):
        overview.columns[column].justify = "right"
    for check in checks:
        problems, notes = check.count(PROBLEM), check.count(NOTE)
        counts = [str(number or "-") for number in (check.looked_at, sum(check.inapplicable.values()), problems, notes)]
        overview.add_row(check.name, check.asks, *counts, style="bold" if problems else None)
    console.print(Text(f"{source}: {walks} walks"), overview)
    for check in checks:
        for reason, count in check.inapplicable.most_common():
            console.print(Text(f"{check.name}: not applicable to {count} walks: {reason}"), soft_wrap=True)
    for check in filter(_found, checks):
        console.print(_table(check))
        for label, text in (("value", check.measure), ("threshold", check.threshold), ("what to do", check.remedy)):
            console.print(Text(f"  {label}: {text}"), soft_wrap=True)
        console.print()
    problems, notes = (sum(check.count(severity) for check in checks) for severity in (PROBLEM, NOTE))
    console.print(f"{problems} problems, {notes} notes" if problems or notes else "clean: nothing found")


def _found(check: Check) -> bool:
    return bool(check.findings)


def _table(check: Check) -> Table:
    findings = check.worst_first()
    title = f"{check.name}: {check.count(PROBLEM)} problems, {check.count(NOTE)} notes"
    table = Table("", "id", "value", "what", title=title, title_justify="left")
    table.columns[2].justify = "right"
    for finding in findings[:_ROWS]:
        table.add_row(finding.severity, Text(finding.id), f"{finding.value:.3g}", Text(finding.detail))
    if len(findings) > _ROWS:
        table.add_row("", f"... and {len(findings) - _ROWS} more", "", "all of them: --report FILE.json")
    return table


def check_report_path(path: str | Path) -> None:
    """Refuse a path that no report can be written to, before the walks are read.

    Raises:
        ConfigError: It does not end in ``.json``, is a folder, or lies where nothing can be written.
    """
    path = Path(path)
    folder = next(parent for parent in path.resolve().parents if parent.exists())
    if path.suffix != ".json" or path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(str(path), "no report can be written there", remedy="name a .json file in a folder of yours")


def write(path: str | Path, source: str, walks: int, checks: Sequence[Check], exit_code: int) -> None:
    """Write everything as JSON; the file appears complete or not at all, missing folders are made."""
    path = Path(path)
    content = {
        "source": source,
        "version": __version__,
        "walks": walks,
        "exit_code": exit_code,
        "checks": [_content(check) for check in checks],
    }
    with unfinished(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def _content(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "asks": check.asks,
        "measure": check.measure,
        "threshold": check.threshold,
        "remedy": check.remedy,
        "looked_at": check.looked_at,
        "not_applicable": dict(check.inapplicable),
        "problems": check.count(PROBLEM),
        "notes": check.count(NOTE),
        "findings": [
            {"severity": finding.severity, "id": finding.id, "value": finding.value, "what": finding.detail}
            for finding in check.worst_first()
        ],
    }

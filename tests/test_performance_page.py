"""docs/performance.md shows what is stored, and nothing else."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from runs import ROOT

from mmgaitemo.errors import DataError
from mmgaitemo.pages import names

TOOL = runpy.run_path(str(ROOT / "tools/analysis/performance_page.py"))
RESULTS = ROOT / "docs/results/performance"


def test_every_table_is_that_of_the_stored_result() -> None:
    path = ROOT / "docs/performance.md"
    page = path.read_text(encoding="utf-8")
    assert TOOL["filled"](path, RESULTS) == page
    assert names(page) == {path.stem for path in RESULTS.glob("*.json")}


def test_prose_stays_and_a_changed_result_changes_its_table(tmp_path: Path) -> None:
    stored: dict[str, Any] = json.loads((RESULTS / "step.json").read_text())
    (tmp_path / "step.json").write_text(json.dumps(stored | {"speedup": 123.0}))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin step -->\nstale text\n<!-- end step -->\nafter\n")
    written = TOOL["filled"](page, tmp_path)
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "speedup: 123" in written
    assert "stale text" not in written


def test_a_table_without_a_result_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- begin absent -->\n<!-- end absent -->\n")
    with pytest.raises(DataError, match="the page shows"):
        TOOL["filled"](page, tmp_path)
    page.write_bytes(b"<!-- begin absent -->\r\n<!-- end absent -->\r\n")
    with pytest.raises(DataError, match=r"page\.md, line 1: needs <!-- begin NAME -->"):
        TOOL["filled"](page, tmp_path)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("encoder_sizes*.json")), ids=lambda path: path.stem)
def test_nothing_is_chosen_on_a_test_fold(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    assert all(cell["unused"] is not None and cell["unused"] != cell["fold"] for cell in cells)
    assert len({cell["seed"] for cell in cells}) >= 3

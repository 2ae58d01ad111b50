"""Results, experiments and README show what the stored cells give, and nothing else."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest
from runs import ROOT

from mmgaitemo.errors import DataError
from mmgaitemo.pages import names
from mmgaitemo.statistics import read_results, summarise
from mmgaitemo.statistics.report_text import markdown

TOOL = runpy.run_path(str(ROOT / "tools/analysis/results_page.py"))
RESULTS = ROOT / "docs/results"
STUDIES = sorted(path.parent for path in RESULTS.glob("*/cells.jsonl"))


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_a_stored_report_is_that_of_its_cells(folder: Path) -> None:
    stored = (folder / "tables.md").read_text(encoding="utf-8")
    pictures = dict(re.findall(r"^!\[(.*?)\]\((.*?)\)$", stored, re.M))
    assert markdown(summarise(read_results(folder)), pictures) == stored
    assert all((folder / name).is_file() for name in pictures.values())


@pytest.mark.parametrize("name", TOOL["PAGES"])
def test_the_tables_of_a_page_are_those_of_the_reports(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert TOOL["filled"](page, RESULTS) == page


def test_every_study_is_on_a_page() -> None:
    pages = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in TOOL["PAGES"])
    assert names(pages) == {folder.name for folder in STUDIES}


def test_figures_of_the_readme_are_stored() -> None:
    studies = [RESULTS / study / "summary.json" for study in ("baselines_egait", "pathogait")]
    rows = [row for path in studies for row in json.loads(path.read_text(encoding="utf-8"))]
    stored = {f"{row['mean']:.3f} +- {row['sd']:.3f}" for row in rows if row["metric"] == "accuracy" and row["sd"]}
    figures = re.findall(r"0\.\d{3} \+- 0\.\d{3}", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert figures
    assert stored.issuperset(figures)


def test_prose_stays_and_a_stale_table_goes(tmp_path: Path) -> None:
    report = tmp_path / "some" / "tables.md"
    report.parent.mkdir()
    report.write_text("## Title\n\nOrigin.\n\n### Scores\n\n| a |\n\n### Against b\n\nmore\n")
    page = "before\n<!-- begin some -->\nstale\n<!-- end some -->\nafter\n"
    expected = "before\n<!-- begin some -->\nOrigin.\n\n| a |\n<!-- end some -->\nafter\n"
    assert TOOL["filled"](page, tmp_path) == expected


@pytest.mark.parametrize("content", [None, "no report"])
def test_a_study_without_a_report_is_refused(content: str | None, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    if content is not None:
        (tmp_path / "some" / "tables.md").write_text(content)
    with pytest.raises(DataError, match=r"tools/analysis/report\.py"):
        TOOL["filled"]("<!-- begin some -->\n<!-- end some -->\n", tmp_path)

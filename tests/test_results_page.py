"""Results, experiments and README show what the stored cells give, and nothing else."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import fake_study
import pytest
from runs import ROOT

from mmgaitemo.errors import DataError
from mmgaitemo.pages import names
from mmgaitemo.statistics import read_results, summarise
from mmgaitemo.statistics.report_text import markdown
from mmgaitemo.study.lines import read_lines

TOOL = runpy.run_path(str(ROOT / "tools/analysis/results_page.py"))
RESULTS = ROOT / "docs/results"
STUDIES = sorted(path.parent for path in RESULTS.glob("*/cells.jsonl"))
BEGIN, END = "<!-- begin some-study -->", "<!-- end some-study -->"
PAGE = f"before\n{BEGIN}\nstale\n{END}\nafter\n"


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_a_stored_report_is_that_of_its_cells(folder: Path) -> None:
    stored = (folder / "tables.md").read_text(encoding="utf-8")
    pictures = dict(re.findall(r"^!\[(.*?)\]\((.*?)\)$", stored, re.M))
    assert markdown(summarise(read_results(folder)), pictures) == stored
    assert all((folder / name).is_file() for name in pictures.values())


def test_cells_of_one_hash_agree_whichever_study_and_machine_ran_them() -> None:
    """Encoders were trained anew where a study began on another machine: the same settings give the same numbers."""
    metrics: dict[str, dict[str, float]] = {}
    shared = 0
    for folder in STUDIES:
        for line in read_lines(folder / "cells.jsonl"):
            if "metrics" in line:
                shared += line["hash"] in metrics
                assert metrics.setdefault(line["hash"], line["metrics"]) == line["metrics"], (folder.name, line["hash"])
    assert shared > 100


@pytest.mark.parametrize("name", TOOL["PAGES"])
def test_the_tables_of_a_page_are_those_of_the_reports(name: str) -> None:
    page = ROOT / "docs" / name
    assert TOOL["filled"](page, RESULTS) == page.read_text(encoding="utf-8")


def test_every_study_is_on_a_page() -> None:
    pages = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in TOOL["PAGES"])
    assert names(pages) == {folder.name for folder in STUDIES}


def stored(page: str, name: str) -> list[dict]:
    """The rows of a file of every study that a page of docs shows."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [row for study in names(text) for row in json.loads((RESULTS / study / name).read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_figures_in_the_text_are_stored(page: str) -> None:
    rows = stored("results.md", "summary.json")
    known = {f"{row['mean']:.3f} +- {row['sd']:.3f}" for row in rows if row["sd"] is not None}
    figures = re.findall(r"0\.\d{3} \+- 0\.\d{3}", (ROOT / page).read_text(encoding="utf-8"))
    assert figures
    assert known.issuperset(figures)


@pytest.mark.parametrize("page", TOOL["PAGES"])
def test_differences_in_the_text_are_stored(page: str) -> None:
    """Such as ``+9.1 (-1.1 to 19.3``: points and interval, of first minus second or the other way round."""
    known = set()
    for row in stored(page, "comparisons.json"):
        points = [100 * row[key] for key in ("mean", "low", "high") if row[key] is not None]
        if len(points) == 3:
            known |= {tuple(f"{p:.1f}" for p in points), tuple(f"{-p:.1f}" for p in (points[0], points[2], points[1]))}
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    told = re.findall(r"([+-]?\d+\.\d)(?:\s+at\s+\d+\s+%|\s+points)?\s+\((-?\d+\.\d)\s+to\s+(-?\d+\.\d)", text)
    assert len(told) > 20
    assert {(mean.lstrip("+"), low, high) for mean, low, high in told} <= known


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Pages, and a study of two cells with its report."""
    knn = [line for line in fake_study.lines() if (line["protocol"], line["seed"]) == ("knn", 0)][:2]
    folder = fake_study.write(tmp_path / "results/some-study", knn, comparisons=[])
    text = markdown(summarise(read_results(folder)), {})
    (folder / "tables.md").write_text(f"{text}\n### Pictures\n\n![it](it.png)\n")
    for name in TOOL["PAGES"]:
        (tmp_path / name).write_text("before\nafter\n")
    (tmp_path / "results.md").write_text(PAGE)
    return tmp_path


def test_prose_stays_and_a_stale_table_goes(docs: Path, capsys: pytest.CaptureFixture) -> None:
    TOOL["write_pages"](docs)
    page = (docs / "results.md").read_text()
    assert page.startswith("before\n<!-- begin some-study -->\nMade-up walks (342 of none); test folds. 2 cells;")
    assert page.endswith("or all are equal.\n<!-- end some-study -->\nafter\n")
    assert "stale" not in page and "###" not in page and page.count("\n| kNN | ") == 2
    assert (docs / "experiments.md").read_text() == "before\nafter\n"
    TOOL["write_pages"](docs)
    assert (docs / "results.md").read_text() == page
    assert capsys.readouterr().out == ""


def test_the_page_of_experiments_shows_differences(docs: Path) -> None:
    folder = fake_study.write(docs / "results/some-study")
    (folder / "tables.md").write_text(markdown(summarise(read_results(folder)), {}))
    (docs / "results.md").write_text("nothing\n")
    (docs / "experiments.md").write_text(PAGE)
    TOOL["write_pages"](docs)
    page = (docs / "experiments.md").read_text()
    assert "\n### Against untrained encoder: kNN\n" in page and "\n### Further comparisons\n" in page
    assert "\n| SSAL - untrained encoder | " in page
    assert "### Scores" not in page and "\n- " not in page and "### How to read" not in page


def test_a_study_on_no_page_is_named(docs: Path, capsys: pytest.CaptureFixture) -> None:
    (docs / "results.md").write_text("nothing\n")
    TOOL["write_pages"](docs)
    assert "results/some-study is on no page" in capsys.readouterr().out


def test_cells_that_changed_after_their_report_are_refused(docs: Path) -> None:
    path = docs / "results/some-study/cells.jsonl"
    path.write_text(path.read_text().replace("abc1234", "abc9999"))
    with pytest.raises(DataError, match=r"tables\.md: is not the report of the cells.*tools/analysis/report\.py"):
        TOOL["write_pages"](docs)
    assert (docs / "results.md").read_text() == PAGE


@pytest.mark.parametrize("content", [None, "no report"])
def test_a_study_without_a_report_is_refused(content: str | None, docs: Path) -> None:
    report = docs / "results/some-study/tables.md"
    report.unlink()
    if content is not None:
        report.write_text(content)
    with pytest.raises(DataError, match=r"tools/analysis/report\.py"):
        TOOL["write_pages"](docs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((f"{END}\n", ""), f"results.md: {END} is missing"),
        ((f"{BEGIN}\n", ""), f"results.md, line 3: .*{BEGIN} is missing"),
        ((END, END.replace("some", "other")), "results.md, line 4: .*<!-- begin other-study --> is missing"),
        ((END, END.replace("end", "end ")), "results.md, line 4: needs .*<!-- end  some-study -->"),
        ((BEGIN, BEGIN.upper()), "results.md, line 2: needs"),
        ((BEGIN, f"- {BEGIN}"), "results.md, line 2: needs"),
        ((BEGIN, BEGIN.replace("-study", ".study")), "results.md, line 2: needs"),
        (("stale", BEGIN), f"results.md, line 3: begins a block before {END}"),
        (("\n", "\r\n"), r"results.md, line 2: needs .* ends with LF.*\\r'"),
    ],
)
def test_markers_that_would_be_passed_over_are_refused(change: tuple[str, str], message: str, docs: Path) -> None:
    page = PAGE.replace(*change).encode()
    (docs / "results.md").write_bytes(page)
    with pytest.raises(DataError, match=message):
        TOOL["write_pages"](docs)
    assert (docs / "results.md").read_bytes() == page

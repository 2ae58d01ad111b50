"""Fill the tables of docs/results.md and docs/experiments.md from the reports of the stored studies.

What stands between <!-- begin NAME --> and <!-- end NAME --> is written by this tool: what the report of
docs/results/NAME (tools/analysis/report.py) says of its runs, and its scores, or on the page of experiments its paired
differences. The rest of the pages is not touched. A report that is not that of the stored cells is refused, as is a
marker without the other.

python tools/analysis/results_page.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import DataError
from mmgaitemo.files import unfinished
from mmgaitemo.pages import fill, names
from mmgaitemo.statistics import read_results, summarise
from mmgaitemo.statistics.report_text import markdown

DOCS = Path(__file__).resolve().parents[2] / "docs"


def sections(report: Path) -> tuple[str, list[str]]:
    """What a report says of its runs, and its sections.

    Raises:
        DataError: There is no such report, or it is not what the cells beside it give.
    """
    remedy = f"python tools/analysis/report.py {report.parent}"
    if not report.is_file():
        raise DataError(str(report), "no such file, and a page shows it", remedy=remedy)
    text = markdown(summarise(read_results(report.parent)), {})
    if report.read_text("utf-8").partition("\n### Pictures\n")[0] != text:
        raise DataError(str(report), "is not the report of the cells.jsonl and study.json beside it", remedy=remedy)
    head, *rest = text.split("\n### ")
    return head.partition("\n\n")[2], rest


def scores(report: Path) -> str:
    """The table of scores; raises as ``sections`` does."""
    origin, rest = sections(report)
    table = rest[0].partition("\n\n")[2]
    return f"{origin}\n{table}"


def differences(report: Path) -> str:
    """The tables of paired differences, without their sentences; raises as ``sections`` does."""
    origin, rest = sections(report)
    tables = [section.partition("\n\n- ")[0] for section in rest if section.startswith(("Against", "Further"))]
    return "\n\n".join([origin.rstrip("\n"), *(f"### {table}" for table in tables)]) + "\n"


PAGES = {"results.md": scores, "experiments.md": differences}


def filled(page: Path, results: Path) -> str:
    """The text of the page with every block written anew.

    Raises:
        DataError: A block names a study whose report is missing or old, or a marker is wrong.
    """
    text = page.read_bytes().decode()  # as bytes: reading text would hide CRLF
    return fill(text, lambda name: PAGES[page.name](results / name / "tables.md"), str(page))


def write_pages(docs: Path) -> None:
    """Write the pages, all of them or none, and name the studies that none of them shows.

    Raises:
        DataError: A page cannot be filled.
    """
    texts = {docs / name: filled(docs / name, docs / "results") for name in PAGES}
    for page, text in texts.items():
        with unfinished(page) as partial:
            partial.write_text(text, encoding="utf-8")
    shown = names("".join(texts.values()))
    for folder in sorted(path.parent for path in (docs / "results").glob("*/cells.jsonl")):
        if folder.name not in shown:
            print(f"{folder} is on no page: write <!-- begin {folder.name} --> and its end on one of {[*PAGES]}")


def main() -> None:
    """The command."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    write_pages(DOCS)


if __name__ == "__main__":
    with plain_errors():
        main()

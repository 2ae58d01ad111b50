"""Fill the tables of docs/results.md and docs/experiments.md from the reports of the stored studies.

What stands between <!-- begin NAME --> and <!-- end NAME --> is written by this tool: what the report of
docs/results/NAME (tools/analysis/report.py) says of its runs, and its scores. The rest of the pages is not touched.

python tools/analysis/results_page.py
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import DataError
from mmgaitemo.files import unfinished
from mmgaitemo.pages import fill

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("results.md", "experiments.md")


def scores(report: Path) -> str:
    """From the title of a report to its first comparison, both left out.

    Raises:
        DataError: There is no such report, or it is none.
    """
    remedy = f"python tools/analysis/report.py {report.parent}"
    if not report.is_file():
        raise DataError(str(report), "no such file, and a page shows it", remedy=remedy)
    found = re.match(r"## [^\n]*\n\n(.*?\n)### Scores\n\n(.*?\n)(?:\n###|\Z)", report.read_text("utf-8"), re.DOTALL)
    if found is None:
        raise DataError(str(report), "holds no scores", remedy=remedy)
    return found[1] + found[2]


def filled(page: str, results: Path) -> str:
    """The page with every block written anew.

    Raises:
        DataError: A block names a study without a report.
    """
    return fill(page, lambda name: scores(results / name / "tables.md"))


def main() -> None:
    """Write the pages."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for page in (DOCS / name for name in PAGES):
        text = filled(page.read_text(encoding="utf-8"), DOCS / "results")
        with unfinished(page) as partial:
            partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with plain_errors():
        main()

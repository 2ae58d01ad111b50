"""Fill the tables of docs/performance.md from the stored results of the benchmarks and studies, and draw its pictures.

What stands between <!-- begin NAME --> and <!-- end NAME --> is written by this tool; the rest of the page is not.

python tools/analysis/performance_page.py
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.benchmark.picture import draw_breakdown
from mmgaitemo.benchmark.table import describe
from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import DataError
from mmgaitemo.evaluation.variants import knee, summarise, table
from mmgaitemo.files import unfinished
from mmgaitemo.pages import fill
from mmgaitemo.visualization.sizes_plot import draw_sizes

DOCS = Path(__file__).resolve().parents[2] / "docs"


def block(result: dict[str, Any]) -> str:
    """A stored result as Markdown: a table of a study's cells, or what the benchmark printed."""
    if "cells" not in result:
        return f"```text\n{describe(result)}\n```\n"
    cells = result["cells"]
    splits = sorted({(cell["fold"], cell["unused"]) for cell in cells}, key=str)
    seeds = sorted({cell["seed"] for cell in cells})
    where = ", ".join(
        f"{fold} (test fold {unused} unseen)" if unused is not None else f"{fold}" for fold, unused in splits
    )
    text = f"`{result['config']}`, {result['machine']}; held out: fold {where}; seeds {seeds}; "
    text += (
        f"{cells[0]['steps']} steps each. Mean +- sd over folds and seeds; the last column is paired, +- its error.\n"
    )
    return f"{text}\n{table(cells)}\n"


def filled(page: Path, results: Path) -> str:
    """The text of the page with every block written anew.

    Raises:
        DataError: A block names a result that is not stored, or a marker is wrong.
    """

    def write(name: str) -> str:
        path = results / f"{name}.json"
        if not path.is_file():
            raise DataError(str(path), "no such file, and the page shows it", remedy="run the command on that page")
        return block(json.loads(path.read_text(encoding="utf-8")))

    return fill(page.read_bytes().decode(), write, str(page))  # as bytes: reading text would hide CRLF


def main() -> None:
    """Write page and pictures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    page, results = DOCS / "performance.md", DOCS / "results" / "performance"
    text = filled(page, results)
    with unfinished(page) as partial:
        partial.write_text(text, encoding="utf-8")
    for path in sorted(results.glob("step*.json")):
        draw_breakdown(DOCS / "images" / f"performance_{path.stem}.png", json.loads(path.read_text(encoding="utf-8")))
    for path in sorted(results.glob("encoder_sizes*.json")):
        study = json.loads(path.read_text(encoding="utf-8"))
        summaries = summarise(study["cells"])
        draw_sizes(DOCS / "images" / f"{path.stem}.png", summaries, f"Encoders by size, {Path(study['config']).name}")
        print(f"{path.stem}: the knee is {knee(summaries).name}")


if __name__ == "__main__":
    with plain_errors():
        main()

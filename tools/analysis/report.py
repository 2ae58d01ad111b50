"""Report of a study: tables, paired comparisons in plain words, and pictures, from its finished cells.

Reads DIR/study.json and DIR/cells.jsonl, which tools/study.py writes. Writes into DIR: summary.json (mean, sd, n and
95 % interval of every score), comparisons.json (paired differences), tables.md (the whole report), table.csv and PNG
pictures, and report.html, which has all of it on one page. The same cells give the same files.

python tools/analysis/report.py work_dirs/smoke
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import ConfigError
from mmgaitemo.files import unfinished
from mmgaitemo.statistics import Summary, read_results, summarise
from mmgaitemo.statistics.report_text import markdown, table_csv
from mmgaitemo.statistics.summary import comparison_rows, score_rows
from mmgaitemo.visualization.run_report_study import write_study_page
from mmgaitemo.visualization.study_pictures import draw_study


def write(path: Path, text: str) -> None:
    """Write a text file, completely or not at all."""
    with unfinished(path) as partial:
        partial.write_text(text, encoding="utf-8")


def report(summary: Summary, pictures: Mapping[str, Path], path: Path) -> str:
    """The report as Markdown, with addresses of the pictures as seen from ``path``."""
    home = path.resolve().parent
    return markdown(
        summary, {what: Path(os.path.relpath(file.resolve(), home)).as_posix() for what, file in pictures.items()}
    )


def main() -> None:
    """Write all files of the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of a study, see tools/study.py")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report to this file too")
    args = parser.parse_args()
    if args.markdown is not None and args.markdown.is_dir():
        raise ConfigError("--markdown", "is a folder", found=args.markdown, remedy="name a file in it")
    # Of no study, this one or another: cells that are written over have to be computed again.
    if args.markdown is not None and (args.markdown.suffix != ".md" or args.markdown.name == "tables.md"):
        raise ConfigError(
            "--markdown",
            "must be the name of a .md file, and not tables.md, which every study has",
            found=args.markdown,
            remedy="name another, such as report.md",
        )
    summary = summarise(read_results(args.folder))
    for line in summary.study.broken:
        print(f"warning: {args.folder / 'cells.jsonl'}: skipped {line}", file=sys.stderr)
    pictures = draw_study(summary, args.folder)
    for name, rows in (("summary.json", score_rows(summary)), ("comparisons.json", comparison_rows(summary))):
        write(args.folder / name, "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    write(args.folder / "table.csv", table_csv(summary))
    for path in (args.folder / "tables.md", args.markdown):
        if path is not None:
            write(path, report(summary, pictures, path))
    write_study_page(args.folder)
    missing = sum(map(len, summary.missing.values()))
    print(
        f"{args.folder / 'tables.md'}: {len(summary.study.every_cell())} cells, {missing} missing, "
        f"{len(pictures)} pictures"
    )


if __name__ == "__main__":
    with plain_errors():
        main()

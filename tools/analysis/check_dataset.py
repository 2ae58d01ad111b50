"""Look for faults in a gait data set: an archive, or the data sets of a config and its split.

python tools/analysis/check_dataset.py walks.gait.h5 --report report.json
python tools/analysis/check_dataset.py configs/ssal_egait.py --skip skate

Exit code: 0 nothing is wrong, 1 there are problems (notes alone are none), 2 the source cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import GaitError
from mmgaitemo.inspection import CHECKS, PROBLEM, open_source
from mmgaitemo.inspection.report import check_report_path, show, write


def main() -> int:
    """Check, print, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="archive (*.gait.h5) or config (*.py)")
    parser.add_argument("--report", metavar="FILE.json", help="write all findings there")
    parser.add_argument("--skip", nargs="+", default=[], choices=list(CHECKS), metavar="NAME", help=", ".join(CHECKS))
    args = parser.parse_args()
    if args.report is not None:
        check_report_path(args.report)
    source = open_source(args.source)
    checks = [check() for name, check in CHECKS.items() if name not in args.skip]
    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        for walk in bar.track(source, total=len(source)):
            for check in checks:
                check.add(walk)
    for check in checks:
        check.conclude(source)
    exit_code = int(any(check.count(PROBLEM) for check in checks))
    show(args.source, len(source), checks, Console(width=max(110, Console().width), highlight=False))
    if args.report is not None:
        write(args.report, args.source, len(source), checks, exit_code)
    return exit_code


if __name__ == "__main__":
    with plain_errors():
        try:
            sys.exit(main())
        except (GaitError, OSError) as error:  # exit code 1 would say that the data have problems
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)

"""Look at walks of a config's training split, with the views that training makes of them, or of an archive.

python tools/analysis/browse_dataset.py configs/ssal_synthgait.py walks.html
python tools/analysis/browse_dataset.py walks.gait.h5 sheet.png --count 24 --seed 1
python tools/analysis/browse_dataset.py walks.gait.h5 walks.gif --ids person001_sad_take0 person002_sad_take0

The suffix of OUT says what is made: .png a contact sheet, .gif or .mp4 an animation, .html a page that needs nothing
but a browser.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import ConfigError
from mmgaitemo.overrides import Overrides
from mmgaitemo.visualization.animation import animate
from mmgaitemo.visualization.browse_sources import load_walks
from mmgaitemo.visualization.contact_sheet import draw_contact_sheet
from mmgaitemo.visualization.web_page import write_page

WRITERS = {".png": draw_contact_sheet, ".gif": animate, ".mp4": animate, ".html": write_page}
COUNTS = {".png": 12, ".gif": 3, ".mp4": 3, ".html": 50}  # walks, where none are asked for


def main() -> None:
    """Load and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="config (*.py) or archive (*.gait.h5)")
    parser.add_argument("out", help="file to write: .png, .gif, .mp4 or .html")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--ids", nargs="+", metavar="ID", default=(), help="the walks to show")
    chosen.add_argument(
        "--count", type=int, metavar="N", help="how many walks to draw at random (default 12, 3 moving, 50 on a page)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the draw and of the views (default 0)")
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, help="overrides of the config, e.g. fold=1")
    args = parser.parse_args()
    out = Path(args.out)
    kind = out.suffix.lower()
    if kind not in WRITERS:
        raise ConfigError(args.out, "no such kind of picture", found=repr(kind), remedy=f"end it in {list(WRITERS)}")
    if out.is_dir():
        raise ConfigError(args.out, "this is a folder", remedy="name a file")
    count = COUNTS[kind] if args.count is None else args.count
    walks = load_walks(args.source, ids=args.ids, count=count, seed=args.seed, options=args.cfg_options)
    try:
        WRITERS[kind](out, walks)
    except OSError as error:
        raise ConfigError(
            args.out, "cannot be written", found=error, remedy="name a file in a folder of yours"
        ) from None
    print(f"{out}: {walks.title} ({out.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    with plain_errors():
        main()

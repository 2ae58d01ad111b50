"""Draw how the gait cycles of a walk are found, to see whether windows of whole cycles can be trusted.

python tools/analysis/draw_cycles.py walks.gait.h5 cycles.png --id person001_sad_take0
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.motion.cycles import find_cycles
from mmgaitemo.visualization.browse_sources import load_walks
from mmgaitemo.visualization.cycles_plot import draw_cycles


def main() -> None:
    """Find and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="archive (*.gait.h5)")
    parser.add_argument("out", help="PNG file")
    parser.add_argument("--id", required=True, help="the walk")
    args = parser.parse_args()
    walks = load_walks(args.archive, ids=[args.id])
    positions = next(iter(walks.walks[0].views.values()))
    cycles = find_cycles(positions, walks.skeleton, "xyz"[walks.skeleton.up])
    draw_cycles(args.out, positions, walks.skeleton, cycles, walks.rate, args.id)
    count = max(len(cycles.starts) - 1, 0)
    print(f"{args.id}: {count} whole gait cycle(s), period {cycles.period:.1f} frames, {cycles.regularity:.2f} regular")


if __name__ == "__main__":
    with plain_errors():
        main()

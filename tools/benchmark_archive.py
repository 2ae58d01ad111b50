"""Write and read a large archive, and say how fast: memory must not grow with it.

/usr/bin/time -v python tools/benchmark_archive.py --frames 10000000
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

import numpy as np

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter, GaitArchive
from mmgaitemo.cli import plain_errors


def main() -> None:
    """Write, iterate in order, then read single walks in random order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000_000, help="frames of the archive")
    parser.add_argument("--length", type=int, default=120, help="frames of a walk")
    parser.add_argument("--folder", help="where to put the archive; default: the temporary folder")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    walks = max(args.frames // args.length, 1)
    pool = rng.normal(size=(50, args.length, 16, 3)).astype(np.float32)  # making ten million frames would take longer
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "large.gait.h5"
        start = time.perf_counter()
        with ArchiveWriter(path, ArchiveInfo(skeleton="egait16", unit="m", up="y", rate=30.0)) as archive:
            for walk in range(walks):
                archive.append(pool[walk % len(pool)], id=f"walk{walk}", subject=f"person{walk % 100}")
        megabytes = path.stat().st_size / 2**20
        _say("written", walks, megabytes, start)
        start = time.perf_counter()
        with GaitArchive(path) as archive:
            print(f"opened in {time.perf_counter() - start:.2f} s")
            start = time.perf_counter()
            frames = sum(len(positions) for positions in archive.iterate())
            _say(f"{frames} frames read in order", walks, megabytes, start)
            some = rng.integers(0, walks, size=1000)
            start = time.perf_counter()
            for index in some:
                archive.positions(index)
            _say("read in random order", len(some), megabytes * len(some) / walks, start)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _say(what: str, walks: int, megabytes: float, start: float) -> None:
    seconds = time.perf_counter() - start
    print(f"{what}: {walks} walks, {megabytes:.0f} MiB in {seconds:.1f} s, {megabytes / seconds:.0f} MiB/s")


if __name__ == "__main__":
    with plain_errors():
        main()

"""Convert the pathological gaits of Jun et al. (Kinect v2) to a gait archive.

python tools/dataset_converters/kinect.py pathogait_s01-08.npz pathogait.gait.h5 --allow-refused
python tools/dataset_converters/kinect.py FOLDER_OF_CSV pathogait.gait.h5 --skeleton kinect25

Eight or more persons imitate six gait types, the labels; each walk is seen by six sensors, each of which is a recording
of its own. Persons are subjects and groups. Some 300 of 5,760 walks end in frames of another pass, with columns that
have run out: such ends are cut off, up to --max-gap frames, and 14 walks with longer ones are refused (--allow-refused
goes without them). Both are named. The NPZ file is the reduced set of 16 joints; the folder of CSV files is read as its
documentation describes it (mmgaitemo/conversion/kinect.py).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.kinect import csv_sources, npz_sources
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion
from mmgaitemo.errors import ConfigError


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN", help="the NPZ file, or a folder of CSV files")
    add_conversion_arguments(parser)
    parser.add_argument(
        "--skeleton",
        choices=("egait16", "kinect25"),
        default="egait16",
        help="joints of the archive; the NPZ file has 16",
    )
    args = parser.parse_args()
    path = Path(args.input)
    if not path.exists():
        raise ConfigError(str(path), "no such file or folder", remedy="correct the path")
    if path.is_file() and args.skeleton != "egait16":
        raise ConfigError("--skeleton", "the NPZ file holds 16 joints", found=args.skeleton, remedy="use egait16")
    sources, info = npz_sources(path) if path.is_file() else csv_sources(path, args.skeleton)
    return run_conversion(args, sources, info)


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

r"""Convert keypoints in CSV, NPY, NPZ or JSON files to a gait archive.

python tools/dataset_converters/generic.py data/lab walks.gait.h5 --columns lab.json --table walks.csv
python tools/dataset_converters/generic.py data/poses walks.gait.h5 --columns coco.json --pattern '(?P<subject>p\d+)/'

A file is a recording; of an .npz file every array is one, and called FILE/ARRAY. What the numbers are says a column
map, a JSON file:

    {"skeleton": "egait16", "unit": "m", "up": "y", "columns": "{joint}.{axis}", "channels": ["X", "Y", "Z"]}
    {"skeleton": "coco17", "unit": "pixel", "up": "-y", "channels": ["x", "y", "score"], "min_score": 0.3}

  skeleton   needed: joint layout of the archive: egait16, kinect25, coco17 or one of yours
  unit       needed: m, cm, mm, inch, pixel or body (scaled to the body)
  up         needed: axis that points up: x, y, z, -x, -y, -z; images have -y
  rate       frames per second; null (the default) where it is not known
  joints     names of the joints in the order of the file, or the name of a layout (default: those of the skeleton)
  channels   names of the numbers of a joint, in order: x, y, maybe z, in either case, and maybe a score under any
             name (default ["x", "y", "z"]); without z the archive has z = 0; scores go into the archive too
  columns    CSV: the names of the columns, as a pattern (default "{joint}_{axis}") or joint by joint:
             {"left_knee": ["LKneeX", "LKneeY", "LKneeZ"], ...}; further columns of the file are left aside
  header     CSV: false if there is none; a line then is all numbers of a frame, joint after joint
  delimiter  CSV: "," (the default), ";" or "\t"
  axes       arrays and frames of JSON: "TVC" (the default: frames, joints, numbers), "TCV", or "T(VC)" for flat rows
  array      NPZ: the array to take (default: all)
  min_score  joints with a lower score are missing (default 0)
  about, source, licence   texts; the last two go into the archive

JSON files hold {"frames": [[[x, y, z], ...], ...]}, or one object per frame, [{"keypoints": [x, y, score, ...]}, ...],
as in COCO's results; of the latter's other keys only image_id is read: it has to count the frames.

Missing is a joint with an empty cell, nan or null; one at x = y = 0 with score 0; one below min_score; and the body in
a frame of zeros. Gaps up to --max-gap are filled. --joint-map reduces other joints to a layout (the file is written as
mmgaitemo/conversion/joint_map.py says, and takes over skeleton, unit and up); without it the names of the joints must
be those of the skeleton.

Labels and persons: --pattern is searched in a file's path below IN (of an array: FILE/ARRAY). Its groups label, subject
and group are those facts; all others become columns. --table is a CSV file with a column file (that path) and any of
label, subject, group and further columns; it has to list every file exactly once. No split parts a group: that is the
subject by default, or the file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.column_map import load_column_map
from mmgaitemo.conversion.facts import facts_from_pattern, facts_from_table, find_files
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion
from mmgaitemo.conversion.tables import SUFFIXES, find_tables, table_source


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN", nargs="+", help="files, or folders that are searched to the bottom")
    add_conversion_arguments(parser)
    parser.add_argument("--columns", metavar="MAP", required=True, help="column map, JSON")
    parser.add_argument("--joint-map", metavar="FILE", help="from the file's joints to those of a layout, JSON")
    facts = parser.add_mutually_exclusive_group()
    facts.add_argument("--pattern", metavar="REGEX", default="", help="finds label, subject, ... in the path below IN")
    facts.add_argument("--table", metavar="CSV", help="gives file, label, subject, ...")
    args = parser.parse_args()

    columns = load_column_map(args.columns, args.joint_map)
    tables = find_tables(find_files(args.input, SUFFIXES), columns)
    known = facts_from_table([*tables], args.table) if args.table else facts_from_pattern([*tables], args.pattern)
    info = ArchiveInfo(
        skeleton=columns.skeleton.name,
        unit=columns.unit,
        up=columns.up,
        source=columns.source,
        licence=columns.licence,
    )
    sources = [table_source(name, table, columns, known[name]) for name, table in tables.items()]
    return run_conversion(args, sources, info)


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

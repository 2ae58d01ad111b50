"""Convert BVH motion capture to a gait archive.

python tools/dataset_converters/bvh.py data/bandai_namco walks.gait.h5 --preset bandai_namco
python tools/dataset_converters/bvh.py data/lab walks.gait.h5 --map lab.json --table takes.csv
python tools/dataset_converters/bvh.py data/lab walks.gait.h5 --preset xsens --pattern '(?P<subject>.+)/(?P<label>.+)_'

Joints: a joint map, one of the presets or a file of one's own (mmgaitemo/conversion/joint_map.py says how it is
written). Unit and up axis are the map's; nothing is turned or moved, that is for the data set's pipeline.

Labels, persons and takes: --pattern is searched in a file's path below IN. Its groups label, subject and group are
those facts; all others become columns. --table is a CSV file with a column file (the path below IN) and any of label,
subject, group and further columns; it has to list every file exactly once. Without either the map's own pattern is used
where it has one (presets bandai_namco and cmu), else the walks are unlabelled; --pattern '' switches it off.

No split parts a group: that is the subject by default, or the single recording where the subject is unknown. So it is
with preset bandai_namco, whose file names give the style (the label) and the take but not the actor: takes of one actor
may then stand on both sides of a split.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.bvh_sources import bvh_source
from mmgaitemo.conversion.facts import facts_from_pattern, facts_from_table, find_files
from mmgaitemo.conversion.joint_map import load_joint_map, preset, presets
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN", nargs="+", help="BVH files, or folders that are searched to the bottom")
    add_conversion_arguments(parser)
    joints = parser.add_mutually_exclusive_group(required=True)
    joints.add_argument("--preset", metavar="NAME", help=f"joint map that comes with the package: {presets()}")
    joints.add_argument("--map", metavar="FILE", help="joint map of one's own, JSON")
    facts = parser.add_mutually_exclusive_group()
    facts.add_argument("--pattern", metavar="REGEX", help="finds label, subject, take, ... in the path below IN")
    facts.add_argument("--table", metavar="CSV", help="gives file, label, subject, ...")
    args = parser.parse_args()

    joint_map = preset(args.preset) if args.preset else load_joint_map(args.map)
    files = find_files(args.input, [".bvh"])
    if args.table:
        known = facts_from_table(list(files), args.table)
    else:
        known = facts_from_pattern(list(files), joint_map.pattern if args.pattern is None else args.pattern)
    info = ArchiveInfo(
        skeleton=joint_map.skeleton.name,
        unit=joint_map.unit,
        up=joint_map.up,
        source=joint_map.source,
        licence=joint_map.licence,
    )
    return run_conversion(args, [bvh_source(name, path, joint_map, known[name]) for name, path in files.items()], info)


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

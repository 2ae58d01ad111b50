"""Convert mmaction2's or pyskl's skeleton annotations to a gait archive, and back.

python tools/dataset_converters/mmaction.py read ntu60_hrnet.pkl ntu60.gait.h5 --person 0 --labels names.txt
python tools/dataset_converters/mmaction.py write walks.gait.h5 walks.pkl

Annotation files are pickles, and a pickle can run any code when Python opens it. This program does not open it so: it
reads dicts, lists, texts, numbers and arrays itself, and refuses a file that asks for more.

read: 17 keypoints of COCO in pixels (C = 2), or 25 joints of Kinect and NTU RGB+D in metres (C = 3). An annotation of
several persons is refused unless --person says which one walks. Names of the splits go to the column split (several
with a comma between them), class ids are kept. The file does not say the rate: see --assume-rate. It rarely says who
walks: then every walk counts as a person of its own, and splits of the archive may part a person.

write: for mmaction2 and pyskl, which know COCO's and Kinect's joints; for other layouts the edges to add to their Graph
are printed. Scores, splits, class ids, persons and groups go along. Written with NumPy 2, it needs NumPy 1.26 or later
to be opened.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.archive import UNITS, GaitArchive
from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.mmaction import annotation_sources, read_label_names
from mmgaitemo.conversion.mmaction_write import GRAPHS, annotations_of, check_pickle_target, write_pickle
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import get_skeleton


def main() -> int:
    """Read or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    read = commands.add_parser("read", help="annotation file to archive")
    read.add_argument("input", metavar="IN", help="annotation file, *.pkl")
    add_conversion_arguments(read)
    read.add_argument("--person", type=int, metavar="INDEX", help="who walks, where there are several; counted from 0")
    read.add_argument("--labels", metavar="FILE", help="class names in the order of the ids, one a line")
    read.add_argument("--assume-rate", type=float, metavar="HZ", help="frames per second (default: not known)")
    write = commands.add_parser("write", help="archive to annotation file")
    write.add_argument("input", metavar="IN", help="archive, *.gait.h5")
    write.add_argument("out", help="annotation file to write, *.pkl")
    write.add_argument("--force", action="store_true", help="replace a file of this name")
    write.add_argument(
        "--img-shape", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="size of the image, for keypoints in pixels"
    )
    args = parser.parse_args()
    return _read(args) if args.command == "read" else _write(args)


def _read(args: argparse.Namespace) -> int:
    if args.person is not None and args.person < 0:
        raise ConfigError("--person", "is no index", found=args.person, remedy="count from 0")
    names = read_label_names(Path(args.labels)) if args.labels else None
    sources, info = annotation_sources(Path(args.input), person=args.person, names=names, rate=args.assume_rate)
    return run_conversion(args, sources, info)


def _write(args: argparse.Namespace) -> int:
    if args.img_shape and min(args.img_shape) < 1:
        raise ConfigError("--img-shape", "is no size", found=args.img_shape, remedy="give pixels, HEIGHT WIDTH")
    out = check_pickle_target(Path(args.out), force=args.force)
    with GaitArchive(args.input) as archive:
        data = annotations_of(archive, tuple(args.img_shape) if args.img_shape else None)
        info = archive.info
    write_pickle(data, out)
    skeleton = get_skeleton(info.skeleton)
    counts = ", ".join(f"{name} {len(listed)}" for name, listed in data["split"].items())
    unlabelled = sum("label" not in entry for entry in data["annotations"])
    print(f"annotations    {len(data['annotations'])}, {unlabelled} of them without a label")
    print(f"splits         {counts}")
    print(f"class ids      {', '.join(f'{number} {name}' for number, name in enumerate(info.label_names)) or 'none'}")
    if info.skeleton in GRAPHS:
        print(f"layout         graph_cfg=dict(layout={GRAPHS[info.skeleton]!r})")
    else:
        print(
            f"layout         {info.skeleton} is none of mmaction2's; add to its Graph: num_node={skeleton.num_joints},"
        )
        print(f"               inward={list(skeleton.edges)}, center={skeleton.root}")
    if UNITS[info.unit] is None and info.unit != "pixel":
        print(f"unit           {info.unit}: the coordinates are not in metres")
    print(f"written: {out}")
    return 0


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

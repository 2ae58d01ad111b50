"""Convert Emilya's BVH files to a gait archive.

python tools/dataset_converters/emilya.py data/Emilya_Database emilya.gait.h5

Emilya: 11 actors express 8 emotions in 7 daily actions (N. Fourati and C. Pelachaud, "Emilya: Emotional body expression
in daily actions database", LREC 2014); it is to be had from its authors on request.

This converter was written from the paper and from published scripts that read the data set. Nobody who worked on it had
the data: its tests run on generated files of the same folders, names and joints. Look at what it makes of the real ones
(--dry-run first), and report what differs.

What is expected: folders .../PerAction/<Action>/<Emotion>/<Actor>/ with files such as Ag1SW1_Brian.bvh: emotion (Ag Ax
Jy Nt PF Pr Sd Sh), number of the scenario, action (SW, WH, ...), number of the repetition, actor. The folders say
action, emotion and actor; a file whose name says otherwise is refused. Files that end in zyx.bvh hold the same takes
with another order of rotations and are left out. The skeleton is that of preset xsens. Actors are subjects and groups:
no split parts them.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.archive import ArchiveInfo
from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.bvh_sources import bvh_source
from mmgaitemo.conversion.facts import TakeFacts, find_files
from mmgaitemo.conversion.joint_map import preset
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion
from mmgaitemo.errors import ConfigError, DataError

# Folder -> code in the file names, where it is known.
ACTIONS = {
    "Being Seated": "BS",
    "Knocking on the Door": None,
    "Lift": None,
    "Move Books": "MB",
    "Simple Walk": "SW",
    "Sitting Down": None,
    "Throw": None,
    "Walk with smth in the Hands": "WH",
}
WALKS = ["Simple Walk", "Walk with smth in the Hands"]
# Folder -> (label, code in the file names), in the order of the class ids of configs/_base_/emilya.py.
EMOTIONS = {
    "Anger": ("anger", "Ag"),
    "Anxiety": ("anxiety", "Ax"),
    "Joy": ("joy", "Jy"),
    "Neutral": ("neutral", "Nt"),
    "Panic Fear": ("panic_fear", "PF"),
    "Pride": ("pride", "Pr"),
    "Sadness": ("sadness", "Sd"),
    "Shame": ("shame", "Sh"),
}
_OTHER_ORDER = "zyx.bvh"
_FILE = re.compile(r"(?P<emotion>[a-z]{2})(?P<scenario>\d+)(?P<action>[a-z]{2})(?P<take>\d+)_(?P<actor>.+)\.bvh", re.I)


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="IN", help="folder that contains PerAction somewhere, or is it")
    add_conversion_arguments(parser)
    parser.add_argument(
        "--actions", nargs="+", default=WALKS, metavar="NAME", help=f"default: the walks {WALKS}; of {list(ACTIONS)}"
    )
    args = parser.parse_args()
    if unknown := sorted({*args.actions} - {*ACTIONS}):
        raise ConfigError("--actions", "no such action", found=unknown, remedy=f"use some of {list(ACTIONS)}")

    root = _per_action(Path(args.input))
    files = find_files([root], [".bvh"])
    facts = {name: _facts(name) for name in files}  # of all: an unknown folder shows that this is something else
    plain = {name: path for name, path in files.items() if not name.lower().endswith(_OTHER_ORDER)}
    chosen = {name: path for name, path in plain.items() if name.split("/")[0] in args.actions}
    alone = [name for name in {*files} - {*plain} if f"{name[: -len(_OTHER_ORDER)].rstrip('_- ')}.bvh" not in plain]
    print(f"{root}: {len(files)} files")
    print(f"left out: {len(files) - len(plain)} takes in another order of rotations (*{_OTHER_ORDER})", end="")
    print(f", {len(alone)} of them without the plain file beside them: {sorted(alone)[:3]}" if alone else "")
    print(f"left out: {len(plain) - len(chosen)} of other actions than {', '.join(args.actions)}")
    joint_map = preset("xsens")
    info = ArchiveInfo(
        skeleton=joint_map.skeleton.name,
        unit=joint_map.unit,
        up=joint_map.up,
        label_names=tuple(label for label, _ in EMOTIONS.values()),
        source="Emilya, Fourati & Pelachaud, LREC 2014",
        licence="on request from its authors, for research; not to be passed on",
    )
    return run_conversion(args, [bvh_source(name, path, joint_map, facts[name]) for name, path in chosen.items()], info)


def _per_action(folder: Path) -> Path:
    """The folder of the actions.

    Raises:
        ConfigError: There is none, or more than one.
    """
    if not folder.is_dir():
        raise ConfigError(str(folder), "no such folder", remedy="name the folder of the data set")
    if folder.resolve().name == "PerAction":
        return folder
    found = sorted(path for path in folder.rglob("PerAction") if path.is_dir())
    if len(found) != 1:
        raise ConfigError(
            str(folder), "must contain one folder PerAction", found=[str(path) for path in found], remedy="name it"
        )
    return found[0]


def _facts(name: str) -> TakeFacts | DataError:
    """Facts of the file ``<Action>/<Emotion>/<Actor>/<file>``, or the error with which it is to be refused.

    Raises:
        DataError: It lies in other folders than expected.
    """
    parts = name.split("/")
    if len(parts) != 4 or parts[0] not in ACTIONS or parts[1] not in EMOTIONS:
        raise DataError(
            name,
            "the folders must be <Action>/<Emotion>/<Actor>",
            found="/".join(parts[:-1]),
            remedy=f"actions are {list(ACTIONS)}, emotions {list(EMOTIONS)}; rename or remove this folder",
        )
    action, emotion, actor, file = parts
    label, code = EMOTIONS[emotion]
    said = _FILE.fullmatch(file)
    if said is None:  # nothing is known that the folders do not say
        return TakeFacts(label, actor, extra={"action": action, "scenario": "", "take": ""})
    wanted = {"emotion": code, "action": ACTIONS[action] or said["action"], "actor": actor}
    if wrong := [key for key, value in wanted.items() if said[key].lower() != value.lower()]:
        return DataError(
            name,
            f"{' and '.join(wrong)} in the name of the file are not those of its folders",
            found=f"{file}, expected {wanted}",
            remedy="find out which is right and move or rename the file",
        )
    return TakeFacts(label, actor, extra={"action": action, "scenario": said["scenario"], "take": said["take"]})


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

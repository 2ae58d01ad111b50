"""BVH files for the tests: a writer, random hierarchies, and walkers on the skeleton that Xsens MVN exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")


@dataclass
class Joint:
    """A joint to write; ``channels=None`` makes it an end site. Joints come parents first, depth first."""

    name: str
    parent: int
    offset: Sequence[float]
    channels: Sequence[str] | None = ()


# A small motion that every reader can read.
TREE = [
    Joint("Hips", -1, (0, 0, 0), POSITIONS + ("Zrotation", "Xrotation", "Yrotation")),
    Joint("Spine", 0, (0, 10, 0), ("Zrotation", "Xrotation", "Yrotation")),
    Joint("", 1, (0, 5, 1), None),
    Joint("Leg", 0, (3, -9, 0), ("Xrotation",)),
]
VALUES = np.random.default_rng(0).uniform(-90, 90, (3, 10)).round(3)


def bvh_text(joints: Sequence[Joint], values: np.ndarray, frame_time: str = "0.0333333") -> str:
    """The file in the usual form; ``values`` (T, C) are written so that they are read as they are."""
    lines = ["HIERARCHY"]
    is_open: list[int] = []  # the joints whose brace is open; as many as the next line is deep

    def close_until(parent: int) -> None:
        while is_open and is_open[-1] != parent:
            is_open.pop()
            lines.append("\t" * len(is_open) + "}")

    for number, joint in enumerate(joints):
        close_until(joint.parent)
        indent = "\t" * len(is_open)
        kind = "End Site" if joint.channels is None else f"{'JOINT' if is_open else 'ROOT'} {joint.name}"
        lines += [indent + kind, indent + "{", f"{indent}\tOFFSET {_numbers(joint.offset)}"]
        if joint.channels:
            lines.append(f"{indent}\tCHANNELS {len(joint.channels)} {' '.join(joint.channels)}")
        is_open.append(number)
    close_until(-1)
    lines += ["MOTION", f"Frames: {len(values)}", f"Frame Time: {frame_time}", *map(_numbers, values)]
    return "\n".join(lines) + "\n"


def _numbers(values: Sequence[float] | np.ndarray) -> str:
    return " ".join(repr(float(value)) for value in values)


def random_motion(rng: np.random.Generator, joints: int = 9, frames: int = 5) -> tuple[list[Joint], np.ndarray]:
    """A random tree with end sites and any channels in any order on any joint, and random values for them."""
    tree = [Joint("joint 0", -1, rng.normal(0, 10, 3), _some_channels(rng))]
    path = [0]
    for number in range(1, joints):
        del path[rng.integers(1, len(path) + 1) :]  # depth first: the parent is on the way to the last joint
        tree.append(Joint(f"joint {number}", path[-1], rng.normal(0, 10, 3), _some_channels(rng)))
        path.append(number)
    with_ends: list[Joint] = []
    places: dict[int, int] = {-1: -1}
    for number, joint in enumerate(tree):
        places[number] = len(with_ends)
        with_ends.append(Joint(joint.name, places[joint.parent], joint.offset, joint.channels))
        if not any(other.parent == number for other in tree):
            with_ends.append(Joint("", places[number], rng.normal(0, 3, 3), None))
    width = sum(len(joint.channels or ()) for joint in with_ends)
    return with_ends, rng.uniform(-180, 180, (frames, width))


def _some_channels(rng: np.random.Generator) -> tuple[str, ...]:
    every = rng.permutation([*POSITIONS, *ROTATIONS])
    return tuple(str(name) for name in every[: rng.integers(1, 7)])


def usual_motion(rng: np.random.Generator, frames: int = 4) -> tuple[list[Joint], np.ndarray]:
    """What every reader knows: positions and rotations on the root, rotations in an order of its own on each joint."""
    joints, _ = random_motion(rng, frames=1)
    for number, joint in enumerate(joints):
        if joint.channels is not None:
            order = tuple(str(name) for name in rng.permutation(ROTATIONS))
            joint.channels = order if number else POSITIONS + order
    width = sum(len(joint.channels or ()) for joint in joints)
    return joints, rng.uniform(-180, 180, (frames, width))


# Xsens MVN's export: joint, parent, joint of egait16 that it stands for.
_XSENS = (
    ("Hips", -1, "root"),
    ("Chest", 0, None),
    ("Chest2", 1, None),
    ("Chest3", 2, "spine"),
    ("Chest4", 3, None),
    ("Neck", 4, "neck"),
    ("Head", 5, "head"),
    ("RightCollar", 4, None),
    ("RightShoulder", 7, "right_shoulder"),
    ("RightElbow", 8, "right_elbow"),
    ("RightWrist", 9, "right_hand"),
    ("LeftCollar", 4, None),
    ("LeftShoulder", 11, "left_shoulder"),
    ("LeftElbow", 12, "left_elbow"),
    ("LeftWrist", 13, "left_hand"),
    ("RightHip", 0, "right_hip"),
    ("RightKnee", 15, "right_knee"),
    ("RightAnkle", 16, "right_foot"),
    ("RightToe", 17, None),
    ("LeftHip", 0, "left_hip"),
    ("LeftKnee", 19, "left_knee"),
    ("LeftAnkle", 20, "left_foot"),
    ("LeftToe", 21, None),
)
_HEAD_TOP = np.array([0.0, 17.0, 0.0])  # cm above the joint Head: the mapped head lies half way


def xsens_text(walk: np.ndarray, names: Sequence[str], frame_time: str = "0.0333333") -> str:
    """A walker on Xsens' 23 joints, in cm, with position channels on every joint.

    Args:
        walk: (T, V, 3) metres, of the layout whose joints are ``names``.
        names: Joint names as in egait16.
        frame_time: As it stands in the file.
    """
    places = np.zeros((len(walk), len(_XSENS), 3))
    for number, (_, parent, stands_for) in enumerate(_XSENS):
        if stands_for is None:  # wherever: only joints that stand for one are mapped
            places[:, number] = places[:, parent] + (1.0, 2.0, 3.0)
        else:
            places[:, number] = 100 * walk[:, names.index(stands_for)]
    places[:, 6] -= _HEAD_TOP / 2
    joints, local = [], []
    ends: dict[int, Sequence[float]] = {6: _HEAD_TOP, 10: (-8, 0, 0), 14: (8, 0, 0), 18: (0, 0, 5), 22: (0, 0, 5)}
    index: dict[int, int] = {-1: -1}
    for number, (name, parent, _) in enumerate(_XSENS):
        index[number] = len(joints)
        joints.append(Joint(name, index[parent], (0.0, 1.0, 0.0), POSITIONS))
        local.append(places[:, number] - (places[:, parent] if parent >= 0 else 0))
        if number in ends:
            joints.append(Joint("", index[number], ends[number], None))
    return bvh_text(joints, np.concatenate(local, axis=1), frame_time)


def write(path: Path, text: str | bytes) -> Path:
    """Write a file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path

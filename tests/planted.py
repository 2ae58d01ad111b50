"""Walks in memory for the checks of a data set, in every layout, and the faults that tests plant in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.inspection import CHECKS, PROBLEM, Check, Walk
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton, get_skeleton

LAYOUTS = ("egait16", "kinect25", "coco17", "image")
Fault = Callable[[np.ndarray, Skeleton], np.ndarray]


class Walks:
    """Walks in memory: (id, person, positions); the side of the split is the part of the id before a slash."""

    classes: tuple[str, ...] = ()

    def __init__(self, rows: list[tuple[str, str, np.ndarray]], skeleton: Skeleton, rate: float | None = 30.0) -> None:
        self.rows, self.skeleton, self.rate = rows, skeleton, rate
        self.sides = tuple(sorted({id.rpartition("/")[0] for id, _, _ in rows}))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Walk]:
        return map(self.walk, range(len(self)))

    def walk(self, index: int) -> Walk:
        id, person, positions = self.rows[index]
        side = id.rpartition("/")[0]
        return Walk(index, id, person, person, -1, side, positions.astype(float), self.skeleton, self.rate)


def check(name: str, source: Walks) -> Check:
    result = CHECKS[name]()
    for walk in source:
        result.add(walk)
    result.conclude(source)
    return result


def ids(result: Check, severity: str = PROBLEM) -> set[str]:
    return {finding.id for finding in result.findings if finding.severity == severity}


def in_layout(positions: np.ndarray, name: str) -> np.ndarray:
    """An egait16 walker (facing -z, left -x) in another layout; ``image``: coco17 seen from the side, y down."""
    joint = dict(zip(EGAIT16.joints, positions.transpose(1, 0, 2), strict=True))
    if name == "egait16":
        return positions

    def beyond(start: str, end: str, far: float) -> np.ndarray:
        return joint[start] + far * (joint[end] - joint[start])

    for side, x in (("left", -1), ("right", 1)):
        joint[f"{side}_wrist"], joint[f"{side}_ankle"] = joint[f"{side}_hand"], joint[f"{side}_foot"]
        joint[f"{side}_ear"] = joint["head"] + [0.07 * x, 0, 0]
        joint[f"{side}_eye"] = joint["head"] + [0.03 * x, 0.03, -0.09]
        for tip, far in (("hand", 1.3), ("hand_tip", 1.5), ("thumb", 1.4)):
            joint[f"{side}_{tip}"] = beyond(f"{side}_elbow", f"{side}_wrist", far) + [0, 0, -0.03 * (tip == "thumb")]
        joint[f"{side}_foot"] = joint[f"{side}_ankle"] + [0, -0.06, -0.12]
    joint |= dict(spine_base=joint["root"], spine_mid=joint["spine"], spine_shoulder=joint["neck"])
    joint |= dict(neck=beyond("neck", "head", 0.4), nose=joint["head"] + [0, 0, -0.11])
    layout = KINECT25 if name == "kinect25" else COCO17
    stacked = np.stack([joint[part] for part in layout.joints], axis=1)
    return np.stack([stacked[..., 2], stacked[..., 1], 0 * stacked[..., 0]], axis=-1) if name == "image" else stacked


def walkers(name: str, persons: int = 8) -> Walks:
    rows = [(w.id, w.person, in_layout(w.positions, name)) for w in synthetic_walks(persons, 1, seed=2)]
    return Walks(rows, get_skeleton("coco17" if name == "image" else name))


def travelling(positions: np.ndarray, speed: float = 1.0) -> np.ndarray:
    """Three cycles over the ground, as fast as the lower foot goes back times ``speed``."""
    positions = np.tile(positions, (3, 1, 1)).astype(float)
    feet = positions[:, [EGAIT16.joints.index("left_foot"), EGAIT16.joints.index("right_foot")]]
    lower = feet[:-1, :, 1].argmin(axis=1)
    steps = np.diff(feet[..., 2], axis=0)[np.arange(len(lower)), lower]
    positions[..., 2] -= speed * np.concatenate([[0], np.cumsum(steps)])[:, None]
    return positions


def mirrored(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    return positions * [-1, 1, 1]


def part_swapped(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    swapped = positions.copy()
    legs = [joint for part in ("left_leg", "right_leg") for joint in skeleton.parts[part]]
    swapped[8:15, legs] = positions[8:15][:, [skeleton.mirror[joint] for joint in legs]]
    return swapped


def stretched(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """One shank 1.7 times as long for half of the walk."""
    knee, foot = skeleton.parts["left_leg"][1:3]
    longer = positions.copy()
    half = slice(0, len(positions) // 2)
    bone = 0.7 * (positions[half, foot] - positions[half, knee])
    for joint in skeleton.parts["left_leg"][2:]:
        longer[half, joint] += bone
    return longer


def long_shank(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    twice = np.concatenate([positions, positions])
    return stretched(twice, skeleton)[: len(positions)]


def frozen(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    return np.concatenate([positions[:5], np.repeat(positions[5:6], 4, axis=0), positions[9:]])


def held(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    still = positions.copy()
    still[3:14, skeleton.parts["right_arm"][1]] = positions[3, skeleton.parts["right_arm"][1]]
    return still


def jumped(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    off = positions.copy()
    off[7, skeleton.parts["left_arm"][2], 1] += 0.4
    return off


def lying(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    return positions[..., [1, 0, 2]] * [1, -1, 1]


FAULTS: dict[str, tuple[str, Fault]] = {
    "mirrored": ("mirrored", mirrored),
    "legs exchanged in a part": ("flips", part_swapped),
    "bone longer in a part": ("bones", stretched),
    "bone longer than in other walks": ("proportions", long_shank),
    "another unit": ("proportions", lambda positions, skeleton: positions * 100),
    "body frozen": ("frozen", frozen),
    "joint held": ("frozen", held),
    "joint jumps": ("jumps", jumped),
    "lying": ("upright", lying),
}

"""The skeleton record: the one place that knows joints, limbs and sides.

Graphs, bones, augmentations, flips, normalisation and drawing read it; nothing else in the package counts joints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmgaitemo.errors import ConfigError

FIVE_PARTS = ("trunk", "left_arm", "right_arm", "left_leg", "right_leg")


@dataclass(frozen=True)
class Skeleton:
    """A joint layout.

    Args:
        name: Name under which configs ask for it.
        joints: Joint names, in the order of the V axis.
        parents: Parent of each joint; -1 for the root of the tree.
        parts: The five parts (``FIVE_PARTS``), together every joint exactly once.
        upper_limbs: Joints that the upper body jitter moves.
        pairs: (left, right) joints that a mirror exchanges.
        centre: Joints whose mean is the centre of the body.
        neck: Joints whose mean is the upper end of the trunk; centre to neck is the body scale.
        hips: (left, right) joints that span the lateral direction of the body.
        lateral: Coordinate axis (0 x, 1 y, 2 z) that points sideways once the heading is aligned.
        up: Coordinate axis that points up.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    parts: Mapping[str, tuple[int, ...]]
    upper_limbs: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    centre: tuple[int, ...]
    neck: tuple[int, ...]
    hips: tuple[int, int]
    lateral: int = 0
    up: int = 1

    def __post_init__(self) -> None:
        every = set(range(self.num_joints))
        checks = {
            "one parent per joint": len(self.parents) == self.num_joints,
            "exactly one root (parent -1)": self.parents.count(-1) == 1,
            "parents that are joints": set(self.parents) - {-1} <= every,
            f"the five parts {FIVE_PARTS}": set(self.parts) == set(FIVE_PARTS),
            "every joint in exactly one part": sorted(j for part in self.parts.values() for j in part) == sorted(every),
            "each joint in at most one left/right pair": len(sum(self.pairs, ())) == len(set(sum(self.pairs, ()))),
            "limbs, pairs, centre, neck and hips that are joints": set(
                (*self.upper_limbs, *sum(self.pairs, ()), *self.centre, *self.neck, *self.hips)
            )
            <= every,
            "two different axes among 0, 1, 2": {self.lateral, self.up} <= {0, 1, 2} and self.lateral != self.up,
        }
        for need, fulfilled in checks.items():
            if not fulfilled:
                raise ConfigError(f"skeleton {self.name!r}", f"the layout needs {need}", remedy="correct the record")
        if len(self.depth_first()) != self.num_joints:
            raise ConfigError(
                f"skeleton {self.name!r}", "the parents contain a cycle", found=self.parents, remedy="make them a tree"
            )

    @property
    def num_joints(self) -> int:
        """V."""
        return len(self.joints)

    @property
    def root(self) -> int:
        """The joint without a parent."""
        return self.parents.index(-1)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """The V - 1 bones as (child, parent)."""
        return tuple((child, parent) for child, parent in enumerate(self.parents) if parent >= 0)

    @property
    def mirror(self) -> tuple[int, ...]:
        """Permutation of the joints that exchanges left and right; its own inverse."""
        order = list(range(self.num_joints))
        for left, right in self.pairs:
            order[left], order[right] = right, left
        return tuple(order)

    @property
    def forward(self) -> int:
        """The coordinate axis that is neither lateral nor up."""
        return 3 - self.lateral - self.up

    @property
    def handedness(self) -> int:
        """1 where lateral, up and forward axis are a right-handed triple, else -1: a body faces -handedness forward."""
        return 1 if (self.up - self.lateral) % 3 == 1 else -1

    @cached_property
    def ankles(self) -> tuple[int, int]:
        """The (left, right) joint two bones below the hip; the last one of a leg that is shorter."""

        def below(joint: int) -> int:
            return next((child for child, parent in enumerate(self.parents) if parent == joint), joint)

        left, right = self.hips
        return below(below(left)), below(below(right))

    def depth_first(self) -> list[int]:
        """Joints from the root outwards, parents before children."""
        order, stack = [], [self.root]
        while stack:
            joint = stack.pop()
            order.append(joint)
            stack.extend(child for child, parent in enumerate(self.parents) if parent == joint)
        return order

    def hops(self) -> np.ndarray:
        """(V, V) number of bones between any two joints."""
        distance = np.full((self.num_joints, self.num_joints), np.inf)
        np.fill_diagonal(distance, 0)
        for child, parent in self.edges:
            distance[child, parent] = distance[parent, child] = 1
        for via in range(self.num_joints):  # Floyd-Warshall
            distance = np.minimum(distance, distance[:, [via]] + distance[[via], :])
        return distance.astype(np.int64)


_LAYOUTS: dict[str, Skeleton] = {}


def register_skeleton(skeleton: Skeleton) -> Skeleton:
    """Make a layout known to configs.

    Raises:
        ConfigError: Another layout has this name.
    """
    if _LAYOUTS.get(skeleton.name, skeleton) != skeleton:
        raise ConfigError(
            f"skeleton {skeleton.name!r}", "another layout has this name", remedy="register it under a name of its own"
        )
    _LAYOUTS[skeleton.name] = skeleton
    return skeleton


def get_skeleton(name: str) -> Skeleton:
    """Look a registered layout up.

    Raises:
        ConfigError: No layout has this name.
    """
    if name not in _LAYOUTS:
        raise ConfigError(
            "skeleton",
            "no such layout",
            found=repr(name),
            remedy=f"use one of {sorted(_LAYOUTS)} or call mmgaitemo.skeleton.register_skeleton in a module named "
            "by custom_imports",
        )
    return _LAYOUTS[name]


EGAIT16 = register_skeleton(
    Skeleton(
        # Joint order of E-Gait's files (README of the data set; STEP's code calls 4-6 and 10-12 the right side).
        name="egait16",
        joints=("root", "spine", "neck", "head")
        + ("left_shoulder", "left_elbow", "left_hand", "right_shoulder", "right_elbow", "right_hand")
        + ("left_hip", "left_knee", "left_foot", "right_hip", "right_knee", "right_foot"),
        parents=(-1, 0, 1, 2, 2, 4, 5, 2, 7, 8, 0, 10, 11, 0, 13, 14),
        parts=dict(
            trunk=(0, 1, 2, 3),
            left_arm=(4, 5, 6),
            right_arm=(7, 8, 9),
            left_leg=(10, 11, 12),
            right_leg=(13, 14, 15),
        ),
        upper_limbs=(4, 5, 6, 7, 8, 9),
        pairs=((4, 7), (5, 8), (6, 9), (10, 13), (11, 14), (12, 15)),
        centre=(0,),
        neck=(2,),
        hips=(10, 13),
    )
)

KINECT25 = register_skeleton(
    Skeleton(
        # Joint order of the Kinect v2 SDK (JointType), as in NTU RGB+D.
        name="kinect25",
        joints=("spine_base", "spine_mid", "neck", "head")
        + ("left_shoulder", "left_elbow", "left_wrist", "left_hand")
        + ("right_shoulder", "right_elbow", "right_wrist", "right_hand")
        + ("left_hip", "left_knee", "left_ankle", "left_foot")
        + ("right_hip", "right_knee", "right_ankle", "right_foot")
        + ("spine_shoulder", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb"),
        parents=(-1, 0, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 1, 7, 6, 11, 10),
        parts=dict(
            trunk=(0, 1, 2, 3, 20),
            left_arm=(4, 5, 6, 7, 21, 22),
            right_arm=(8, 9, 10, 11, 23, 24),
            left_leg=(12, 13, 14, 15),
            right_leg=(16, 17, 18, 19),
        ),
        upper_limbs=(4, 5, 6, 7, 21, 22, 8, 9, 10, 11, 23, 24),
        pairs=((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18), (15, 19), (21, 23), (22, 24)),
        centre=(0,),
        neck=(20,),
        hips=(12, 16),
    )
)

COCO17 = register_skeleton(
    Skeleton(
        # Keypoints of COCO; the tree hangs from the nose, the body centre is the middle of the hips.
        name="coco17",
        joints=("nose", "left_eye", "right_eye", "left_ear", "right_ear")
        + ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist")
        + ("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
        parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
        parts=dict(
            trunk=(0, 1, 2, 3, 4),
            left_arm=(5, 7, 9),
            right_arm=(6, 8, 10),
            left_leg=(11, 13, 15),
            right_leg=(12, 14, 16),
        ),
        upper_limbs=(5, 7, 9, 6, 8, 10),
        pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
        centre=(11, 12),
        neck=(5, 6),
        hips=(11, 12),
    )
)

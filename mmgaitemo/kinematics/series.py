"""What is measured in every frame: angles, distances, areas and the size of the box around the body."""

from __future__ import annotations

import numpy as np

from mmgaitemo.kinematics.landmarks import POINTS

AT = {name: number for number, name in enumerate(POINTS)}
LEFT, UP, AHEAD = 0, 1, 2
SIDES = ("left", "right")
_OUTWARDS = {"left": 1.0, "right": -1.0}
ROOT = len(POINTS)  # the row of the centre, behind the points

# Inclinations: name, from, to, axis, sign. The angle that a segment leans towards an axis, -pi/2 to pi/2; unlike the
# angle in a plane it has no jump, however the segment stands.
_INCLINATIONS = [
    ("trunk_lean_ahead", ROOT, AT["neck"], AHEAD, 1.0),
    ("trunk_lean_left", ROOT, AT["neck"], LEFT, 1.0),
    ("head_lean_ahead", AT["neck"], AT["head"], AHEAD, 1.0),
    ("head_lean_left", AT["neck"], AT["head"], LEFT, 1.0),
    ("hips_turn_left", AT["right_hip"], AT["left_hip"], AHEAD, -1.0),
    ("hips_roll_left", AT["right_hip"], AT["left_hip"], UP, -1.0),
    ("shoulders_turn_left", AT["right_shoulder"], AT["left_shoulder"], AHEAD, -1.0),
    ("shoulders_roll_left", AT["right_shoulder"], AT["left_shoulder"], UP, -1.0),
]
for _side in SIDES:
    _INCLINATIONS += [
        (f"{_side}_collar_ahead", AT["neck"], AT[f"{_side}_shoulder"], AHEAD, 1.0),
        (f"{_side}_collar_up", AT["neck"], AT[f"{_side}_shoulder"], UP, 1.0),
        (f"{_side}_upper_arm_ahead", AT[f"{_side}_shoulder"], AT[f"{_side}_elbow"], AHEAD, 1.0),
        (f"{_side}_upper_arm_out", AT[f"{_side}_shoulder"], AT[f"{_side}_elbow"], LEFT, _OUTWARDS[_side]),
        (f"{_side}_thigh_ahead", AT[f"{_side}_hip"], AT[f"{_side}_knee"], AHEAD, 1.0),
        (f"{_side}_thigh_out", AT[f"{_side}_hip"], AT[f"{_side}_knee"], LEFT, _OUTWARDS[_side]),
    ]
# Angles inside a joint, 0 to pi: name, one end, joint, other end.
_INTERIOR = [
    ("head_neck_root", AT["head"], AT["neck"], ROOT),
    ("shoulders_at_neck", AT["left_shoulder"], AT["neck"], AT["right_shoulder"]),
]
for _side in SIDES:
    _INTERIOR += [
        (f"{_side}_elbow", AT[f"{_side}_shoulder"], AT[f"{_side}_elbow"], AT[f"{_side}_hand"]),
        (f"{_side}_knee", AT[f"{_side}_hip"], AT[f"{_side}_knee"], AT[f"{_side}_foot"]),
    ]
_DISTANCES = [
    ("hands_apart", AT["left_hand"], AT["right_hand"]),
    ("feet_apart", AT["left_foot"], AT["right_foot"]),
]
for _side in SIDES:
    _DISTANCES += [
        (f"{_side}_hand_to_root", AT[f"{_side}_hand"], ROOT),
        (f"{_side}_hand_to_neck", AT[f"{_side}_hand"], AT["neck"]),
        (f"{_side}_hand_to_hip", AT[f"{_side}_hand"], AT[f"{_side}_hip"]),
        (f"{_side}_foot_to_root", AT[f"{_side}_foot"], ROOT),
    ]
_AREAS = [
    ("hands_neck", AT["left_hand"], AT["right_hand"], AT["neck"]),
    ("hands_root", AT["left_hand"], AT["right_hand"], ROOT),
    ("feet_root", AT["left_foot"], AT["right_foot"], ROOT),
]
ANGLES = (*(row[0] for row in _INCLINATIONS), "trunk_twist_left", *(row[0] for row in _INTERIOR))
LENGTHS = (*(row[0] for row in _DISTANCES), "box_width", "box_height", "box_depth", "lowest_foot")
AREAS = tuple(row[0] for row in _AREAS)

_FROM, _TO, _AXIS = (np.array([row[place] for row in _INCLINATIONS]) for place in (1, 2, 3))
_SIGN = np.array([row[4] for row in _INCLINATIONS])
_TURNS = [ANGLES.index("shoulders_turn_left"), ANGLES.index("hips_turn_left")]
_A, _B, _C = (np.array([row[place] for row in _INTERIOR]) for place in (1, 2, 3))
_D, _E = (np.array([row[place] for row in _DISTANCES]) for place in (1, 2))
_F, _G, _H = (np.array([row[place] for row in _AREAS]) for place in (1, 2, 3))


def angles(points: np.ndarray) -> np.ndarray:
    """(T, 27) radians: the ``ANGLES`` of points and centre (T, 15, 3)."""
    segments = _unit(points[:, _TO] - points[:, _FROM])
    leaning = np.arcsin(np.clip(segments[:, np.arange(len(_AXIS)), _AXIS], -1, 1)) * _SIGN
    twist = leaning[:, _TURNS[0]] - leaning[:, _TURNS[1]]
    cosine = (_unit(points[:, _A] - points[:, _B]) * _unit(points[:, _C] - points[:, _B])).sum(axis=-1)
    return np.concatenate([leaning, twist[:, None], np.arccos(np.clip(cosine, -1, 1))], axis=1)


def lengths(points: np.ndarray) -> np.ndarray:
    """(T, 14) trunk lengths: the ``LENGTHS`` of points and centre (T, 15, 3)."""
    apart = np.sqrt(((points[:, _D] - points[:, _E]) ** 2).sum(axis=-1))
    box = points.max(axis=1) - points.min(axis=1)
    lowest = points[:, [AT["left_foot"], AT["right_foot"]], UP].min(axis=1)
    return np.concatenate([apart, box, lowest[:, None]], axis=1)


def areas(points: np.ndarray) -> np.ndarray:
    """(T, 3) square trunk lengths: the triangles ``AREAS`` of points and centre (T, 15, 3)."""
    normal = np.cross(points[:, _F] - points[:, _H], points[:, _G] - points[:, _H])
    return np.sqrt((normal**2).sum(axis=-1)) / 2


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return vectors / np.maximum(length, np.finfo(float).tiny)  # joints that coincide have no direction: 0

"""A walking skeleton: one gait cycle by forward kinematics from angle curves that are short Fourier series.

Every bone has an orientation; a joint sits at its parent plus the turned bone. The orientations follow from the
*curves* below (trunk pitch, thigh elevation, knee flexion, ...), functions of the gait phase. A gait is therefore a
table of complex numbers, ``(len(CURVES), ORDER + 1)``: column 0 is the posture, the others are the movement. Another
walker is an edit of rows: a gain on columns 1 and up moves more, an addition to column 0 stands otherwise. The layout
ends at the ankles (its "feet"): there is no ankle angle to draw.

Axes are E-Gait's: y up, the body faces -z, its left is -x, metres. Phase 0 is the heel strike of the left foot; a cycle
is two pi. Angles are radians, positive where a limb, the trunk or the head goes forward (pitch), a knee or elbow bends,
an arm or leg leaves the body, a segment turns to its left (yaw), its right side rises (roll).

The normal curves are our own drawing of textbook level walking (thigh -15 to 26 degrees, knee 5 to 60 degrees with a
small yield in early stance, pelvis and thorax turning against each other); no recorded data enter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmgaitemo.skeleton import EGAIT16

ORDER = 4  # harmonics of the stride frequency: with fewer the knee loses its yield in early stance
AXIAL = (
    "pelvis_yaw",
    "pelvis_roll",
    "sway",  # of the pelvis over the feet, as the angle that the legs then lean
    "trunk_pitch",
    "trunk_yaw",
    "trunk_roll",
    "head_pitch",
    "head_yaw",
    "head_roll",
)
# stance and carriage: abduction of leg and arm; swing: pitch of the upper arm; inward: turn of the forearm.
PAIRED = ("thigh", "knee", "stance", "swing", "elbow", "carriage", "inward", "shrug")
CURVES = AXIAL + tuple(f"{side}_{name}" for name in PAIRED for side in ("left", "right"))

KNEE_FLOOR = np.radians(2.0)  # least flexion: knees and elbows approach it smoothly and never pass
_FLOOR_WIDTH = np.radians(2.0)
_CONTACT_WIDTH = 0.01  # m; how softly the weight passes from one foot to the other


def rows(name: str) -> list[int]:
    """Rows of a gait table that belong to a curve: one for an axial curve, (left, right) for a paired one."""
    return [CURVES.index(name)] if name in AXIAL else [CURVES.index(f"{side}_{name}") for side in ("left", "right")]


def normal_gait() -> np.ndarray:
    """The curves of normal walking: (len(CURVES), ORDER + 1) complex, radians; angle = Re sum_k c_k exp(i k phase)."""
    tenths = np.arange(10) * 2 * np.pi / 10
    degrees = {
        "pelvis_yaw": -4 * np.cos(tenths),
        "pelvis_roll": -3 * np.cos(tenths - 1.1),
        "sway": -1.8 * np.cos(tenths - 1.9),
        "trunk_pitch": 7 + 1.0 * np.cos(2 * tenths - 0.6),
        "trunk_yaw": 6 * np.cos(tenths - 0.2),
        "trunk_roll": 1.5 * np.cos(tenths - 1.9),
        "head_pitch": 27 + 1.0 * np.cos(2 * tenths + 0.9),
        "head_yaw": 0 * tenths,
        "head_roll": 0 * tenths,
        "thigh": np.array([24, 20, 12, 3, -7, -15, -12, 6, 21, 26]),
        "knee": np.array([5, 15, 16, 10, 6, 11, 34, 60, 52, 18]),
        "stance": 2 + 0 * tenths,
        "swing": -4 - 14 * np.cos(tenths - 0.25),
        "elbow": 33 - 9 * np.cos(tenths - 0.55),
        "carriage": 9 + 1 * np.cos(2 * tenths),
        "inward": 18 + 0 * tenths,
        "shrug": 0.8 * np.cos(2 * tenths + 0.9),
    }
    gait = np.zeros((len(CURVES), ORDER + 1), complex)
    for name, values in degrees.items():
        series = np.fft.rfft(np.radians(values))[: ORDER + 1] / 5
        series[0] /= 2
        # The right side does what the left did half a cycle ago.
        for side, row in enumerate(rows(name)):
            gait[row] = series * np.exp(1j * np.pi * side * np.arange(ORDER + 1))
    return gait


@dataclass(frozen=True)
class Body:
    """Bones of one person.

    Args:
        bones: (V, 3) float64, metres: each joint seen from its parent when standing upright; zero for the root.
        ankle: Height of the ankle joint above the ground, metres.
    """

    bones: np.ndarray
    ankle: float


def build_body(
    stature: float, legs: float = 1.0, arms: float = 1.0, trunk: float = 1.0, hips: float = 1.0, shoulders: float = 1.0
) -> Body:
    """A body in the egait16 layout, from rounded anthropometric ratios.

    Args:
        stature: Metres.
        legs: Factor on thigh and shank; as the others, 1 is the average build.
        arms: Factor on upper arm and forearm.
        trunk: Factor on the spine.
        hips: Factor on the width of the pelvis.
        shoulders: Factor on the width of the shoulders.
    """
    average = {
        "spine": (0, 0.140 * trunk, 0),
        "neck": (0, 0.160 * trunk, 0),
        "head": (0, 0.105, 0),
        "shoulder": (0.112 * shoulders, -0.020, 0),
        "elbow": (0, -0.180 * arms, 0),
        "hand": (0, -0.155 * arms, 0),
        "hip": (0.062 * hips, -0.020, 0),
        "knee": (0, -0.248 * legs, 0),
        "foot": (0, -0.245 * legs, 0),
    }
    bones = np.zeros((EGAIT16.num_joints, 3))
    for name, (x, y, z) in average.items():
        for side, sign in (("", 1), ("left_", -1), ("right_", 1)):
            if side + name in EGAIT16.joints:
                bones[EGAIT16.joints.index(side + name)] = stature * np.array([sign * x, y, z])
    return Body(bones, ankle=0.045 * stature)


def pose(body: Body, gait: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Joint positions of a walker on a treadmill.

    Args:
        body: Whose bones.
        gait: (len(CURVES), ORDER + 1) complex, as ``normal_gait``.
        phase: (T,) gait phase of every frame, radians.

    Returns:
        (T, V, 3) float64, metres, ground at y = 0: bone lengths are constant, no ankle is lower than ``body.ankle``.
    """
    angles = np.real(gait @ np.exp(1j * np.outer(np.arange(ORDER + 1), phase)))
    curve = dict(zip(CURVES, angles, strict=True))
    segments = turn(body.bones, *_orientations(curve))
    positions = np.zeros_like(segments)
    for joint in EGAIT16.depth_first()[1:]:
        positions[:, joint] = positions[:, EGAIT16.parents[joint]] + segments[:, joint]
    left, right = (positions[:, EGAIT16.joints.index(f"{side}_foot"), 1] for side in ("left", "right"))
    # The lower foot carries the body: vertical bob follows from the legs. The soft minimum is never above the
    # minimum, so that no foot enters the ground.
    lowest = -_CONTACT_WIDTH * np.logaddexp(-left / _CONTACT_WIDTH, -right / _CONTACT_WIDTH)
    positions[:, :, 1] += (body.ankle - lowest)[:, None]
    positions[:, :, 0] += (np.sin(curve["sway"]) * positions[:, EGAIT16.root, 1])[:, None]
    return positions


def turn(bones: np.ndarray, pitch: np.ndarray, yaw: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Roll about z, then pitch about x, then yaw about y.

    Args:
        bones: (V, 3).
        pitch: (T, V) radians; positive carries what hangs down towards -z.
        yaw: (T, V) radians; positive carries what points to -z towards -x.
        roll: (T, V) radians; positive carries what points to +x upwards.

    Returns:
        (T, V, 3) turned bones.
    """
    x, y, z = bones.T
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    return np.stack([x, y, z], axis=-1)


def _orientations(curve: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pitch, yaw and roll, each (T, V), of the bone that ends in each joint."""
    pitch, yaw, roll = np.zeros((3, curve["sway"].size, EGAIT16.num_joints))

    def place(joint: str, p: np.ndarray | float, y: np.ndarray | float, r: np.ndarray | float) -> None:
        index = EGAIT16.joints.index(joint)
        pitch[:, index], yaw[:, index], roll[:, index] = p, y, r

    trunk = -curve["trunk_pitch"]  # a bone that points up leans forward when what hangs down would go back
    place("spine", 0.7 * trunk, (curve["pelvis_yaw"] + curve["trunk_yaw"]) / 2, curve["trunk_roll"])
    place("neck", 1.3 * trunk, curve["trunk_yaw"], curve["trunk_roll"])
    place("head", -curve["head_pitch"], curve["head_yaw"], curve["head_roll"])
    for side, out in (("left", -1), ("right", 1)):
        limb = {name: curve[f"{side}_{name}"] for name in PAIRED}
        place(f"{side}_shoulder", trunk, curve["trunk_yaw"], curve["trunk_roll"] + out * limb["shrug"])
        arm, aside = limb["swing"], out * limb["carriage"]
        place(f"{side}_elbow", arm, 0.5 * curve["trunk_yaw"], aside)
        place(f"{side}_hand", arm + _at_least_floor(limb["elbow"]), out * limb["inward"], aside)
        # The feet stay where they are when the pelvis sways: both legs tilt the other way.
        thigh, aside = limb["thigh"], out * limb["stance"] - curve["sway"]
        place(f"{side}_hip", 0.0, curve["pelvis_yaw"], curve["pelvis_roll"])
        place(f"{side}_knee", thigh, 0.0, aside)
        place(f"{side}_foot", thigh - _at_least_floor(limb["knee"]), 0.0, aside)
    return pitch, yaw, roll


def _at_least_floor(flexion: np.ndarray) -> np.ndarray:
    return KNEE_FLOOR + _FLOOR_WIDTH * np.logaddexp(0, (flexion - KNEE_FLOOR) / _FLOOR_WIDTH)

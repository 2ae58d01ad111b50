"""Names, units, sources and mirror images of the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmgaitemo.kinematics.series import ANGLES, AREAS, LENGTHS, SIDES

MONTEPARE, ROETHER, CRANE = "Montepare et al. 1987", "Roether et al. 2009", "Crane & Gross 2013"
STEP, RANDHAVANE, LATERAL = "Bhattacharya et al. 2020", "Randhavane et al. 2019", "Roether et al. 2008"
HOGAN = "Hogan & Sternad 2009"
PLACED = (
    "neck",
    "head",
    *(f"{side}_{joint}" for side in SIDES for joint in ("shoulder", "elbow", "hand", "knee", "foot")),
)
MOVING = ("head", *(f"{side}_{joint}" for side in SIDES for joint in ("hand", "foot")))


@dataclass(frozen=True)
class Feature:
    """One number.

    Args:
        name: Of the feature.
        unit: "trunk" is the distance from centre to neck.
        source: Where the tradition has it from.
        signed: Its sign says left or right: a mirror negates it.
    """

    name: str
    unit: str
    source: str
    signed: bool = False


def _features() -> list[Feature]:
    rows = [
        Feature("log_cycle", "ln s", MONTEPARE),
        Feature("cadence", "steps/s", MONTEPARE),
        Feature("stride_length", "trunk", MONTEPARE),
        Feature("speed", "trunk/s", ROETHER),
        Feature("step_width", "trunk", CRANE),
        Feature("arm_swing_asymmetry", "1", LATERAL, signed=True),
        Feature("step_asymmetry", "1", LATERAL, signed=True),
        Feature("arms_unlike", "trunk", LATERAL),
        Feature("legs_unlike", "trunk", LATERAL),
        Feature("hands_correlation", "1", CRANE),
        Feature("feet_correlation", "1", CRANE),
    ]
    for side in SIDES:
        rows += [
            Feature(f"{side}_arm_swing", "trunk", MONTEPARE),
            Feature(f"{side}_step_length", "trunk", MONTEPARE),
            Feature(f"{side}_swing_share", "1", CRANE),
            Feature(f"{side}_hand_with_other_foot", "1", CRANE),
        ]
    for statistic in ("mean", "range", "sd"):
        rows += [
            Feature(f"{name}_{statistic}", "rad", ROETHER, statistic == "mean" and name.endswith("_left"))
            for name in ANGLES
        ]
    for statistic in ("mean", "range"):
        rows += [Feature(f"{name}_{statistic}", "trunk", STEP) for name in LENGTHS]
        rows += [Feature(f"{name}_area_{statistic}", "trunk^2", STEP) for name in AREAS]
        rows += [Feature(f"box_volume_{statistic}", "trunk^3", STEP)]
    for statistic in ("mean", "sd"):
        for point in PLACED:
            axes = ("out" if point[:5] in ("left_", "right") else "left", "up", "ahead")
            rows += [
                Feature(f"{point}_{axis}_{statistic}", "trunk", CRANE, statistic == "mean" and axis == "left")
                for axis in axes
            ]
    for quantity, unit in (("speed", "trunk/s"), ("acceleration", "trunk/s^2"), ("jerk", "trunk/s^3")):
        for statistic in ("mean", "max"):
            rows += [Feature(f"{point}_{quantity}_{statistic}", unit, RANDHAVANE) for point in MOVING]
    return rows + [Feature(f"{point}_roughness", "ln 1", HOGAN) for point in MOVING]


FEATURES = tuple(_features())
NAMES = tuple(feature.name for feature in FEATURES)


def _mirrored(name: str) -> str:
    for side, other in (SIDES, SIDES[::-1]):
        if name.startswith(f"{side}_"):
            return other + name[len(side) :]
    return name


MIRROR = np.array([NAMES.index(_mirrored(name)) for name in NAMES])
MIRROR_SIGN = np.array([-1.0 if feature.signed else 1.0 for feature in FEATURES])

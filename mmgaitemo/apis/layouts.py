"""From the joints of a file, or of one layout, to those of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmgaitemo.conversion.joint_map import JointMap, fitting_presets, preset, presets
from mmgaitemo.errors import DataError
from mmgaitemo.skeleton import Skeleton

_OWN_MAP = "write a joint map (mmgaitemo/conversion/joint_map.py says how)"
# What layouts without a joint of that name have in its place. Hands are wrists: see the presets.
_ELSE = {
    "head": (("left_ear", "right_ear"), ("nose",)),
    **{f"{side}_hand": ((f"{side}_wrist",),) for side in ("left", "right")},
    **{f"{side}_wrist": ((f"{side}_hand",),) for side in ("left", "right")},
}


def preset_for(names: Sequence[str], where: str) -> JointMap:
    """The joint map of the package that fits the joints of a file.

    Args:
        names: The file's joints.
        where: The file, for messages.

    Raises:
        DataError: None fits, or several do.
    """
    fitting = fitting_presets(names)
    if len(fitting) != 1:
        raise DataError(
            where,
            "no joint map of the package fits its joints" if not fitting else "several joint maps fit its joints",
            found=fitting or ", ".join(names),
            remedy=f"name one of {presets()}, or {_OWN_MAP}, and pass it as joint_map (--joint-map)",
        )
    return preset(fitting[0])


def to_layout(positions: np.ndarray, source: Skeleton, target: Skeleton, where: str) -> np.ndarray:
    """The joints of another layout.

    A preset made for the source's joint names goes first. Otherwise a joint of the target comes from what both records
    say of a body (centre, neck, hips, knees, ankles), from the joint of the same name, or, between centre and neck,
    from the middle of the two.

    Args:
        positions: (T, V, 3) in the source layout; NaN where a joint is missing.
        source: Layout of the positions.
        target: The layout wanted.
        where: The recording, for messages.

    Returns:
        (T, V', 3) in the target layout, axes and unit as they were.

    Raises:
        DataError: A joint of the target is nowhere in the source.
    """
    if source == target:
        return positions
    return _layout_map(source, target, where).apply(positions, source.joints, where)


def _layout_map(source: Skeleton, target: Skeleton, where: str) -> JointMap:
    for name in presets():
        made = preset(name)
        if made.skeleton == target and {joint for parts in made.joints.values() for joint in parts} <= {*source.joints}:
            return made
    places = {joint: _place(number, source, target) for number, joint in enumerate(target.joints)}
    if missing := [joint for joint, found in places.items() if not found]:
        raise DataError(
            where,
            f"layout {source.name!r} cannot be brought to the model's {target.name!r}",
            found=f"nothing for {', '.join(missing)}",
            remedy=f"{_OWN_MAP} and convert the recordings with it",
        )
    names = {joint: tuple(source.joints[index] for index in found) for joint, found in places.items()}
    return JointMap(target, unit="m", up="xyz"[source.up], joints=names)  # apply reads neither unit nor axis


def _place(joint: int, source: Skeleton, target: Skeleton) -> tuple[int, ...]:
    """Joints of the source of which the mean is the joint of the target; empty where there are none."""
    ours, theirs = _landmarks(source), _landmarks(target)
    for landmark, indices in theirs.items():
        if indices == (joint,):
            return ours[landmark]
    name = target.joints[joint]
    for names in ((name,), *_ELSE.get(name, ())):
        if {*names} <= {*source.joints}:
            return tuple(source.joints.index(other) for other in names)
    if joint in _between(target):
        # The middle of two means: each joint as often as the other end has joints.
        return source.centre * len(source.neck) + source.neck * len(source.centre)
    return ()


def _landmarks(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """The points that every record knows."""
    points = {"centre": skeleton.centre, "neck": skeleton.neck}
    for side, hip, ankle in zip(("left", "right"), skeleton.hips, skeleton.ankles, strict=True):
        points |= {f"{side}_hip": (hip,), f"{side}_knee": (skeleton.parents[ankle],), f"{side}_ankle": (ankle,)}
    return points


def _between(skeleton: Skeleton) -> list[int]:
    """The joints strictly between centre and neck, where these are single joints of one chain."""
    chain, joint = [], skeleton.parents[skeleton.neck[0]]
    while joint >= 0 and joint not in skeleton.centre:
        chain.append(joint)
        joint = skeleton.parents[joint]
    return chain if joint >= 0 else []

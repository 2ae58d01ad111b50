"""What the numbers of a table are, as a small JSON file says it.

tools/dataset_converters/generic.py explains its keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.archive import UNITS, UP_AXES
from mmgaitemo.conversion.joint_map import JointMap, load_joint_map
from mmgaitemo.conversion.json_file import (
    Check,
    check_keys,
    check_values,
    is_number,
    is_text,
    parse_object,
    read_text,
)
from mmgaitemo.conversion.keypoints import positions_and_score
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import Skeleton, get_skeleton

AXES = ("TVC", "TCV", "T(VC)")
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class ColumnMap:
    """How the numbers of a table become positions.

    Args:
        skeleton: Layout of the archive.
        unit: Of the archive, one of ``archive.UNITS``.
        up: Axis that points up, one of ``archive.UP_AXES``.
        joints: Names of the V joints of the table, in its order.
        channels: Names of the C numbers of a joint; x, y, maybe z, and maybe a score.
        rate: Frames per second; ``None`` where it is not known.
        columns: Of a CSV file, for every joint the names of its C columns; ``None``: there is no header, a row is all
            numbers of a frame, joint after joint.
        axes: Order of an array, one of ``AXES``.
        delimiter: Between the cells of a CSV file, one of ``DELIMITERS``.
        array: The array of an .npz file; ``None``: each of its arrays is a recording.
        min_score: Joints with a lower score are missing.
        joint_map: From the joints of the table to those of ``skeleton``; ``None``: they are those.
        source: Which data, for the archive.
        licence: Its terms, for the archive.
    """

    skeleton: Skeleton
    unit: str
    up: str
    joints: tuple[str, ...]
    channels: tuple[str, ...] = ("x", "y", "z")
    rate: float | None = None
    columns: tuple[tuple[str, ...], ...] | None = None
    axes: str = "TVC"
    delimiter: str = ","
    array: str | None = None
    min_score: float = 0.0
    joint_map: JointMap | None = None
    source: str = ""
    licence: str = ""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame of an array in the order of ``axes``."""
        joints, channels = len(self.joints), len(self.channels)
        return {"TVC": (joints, channels), "TCV": (channels, joints), "T(VC)": (joints * channels,)}[self.axes]

    def arrange(self, values: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray | None]:
        """The joints of the layout.

        Args:
            values: (T, *frame_shape) numbers, NaN where one is missing.
            where: The recording, for messages.

        Returns:
            (T, V, 3) float64 positions with NaN where a joint is missing, and (T, V) scores or ``None``.

        Raises:
            DataError: The shape is another, a number is infinite, or the joint map names joints that are not there.
        """
        if values.shape[1:] != self.frame_shape:
            raise DataError(
                where,
                f"{len(self.joints)} joints of {len(self.channels)} numbers in the order {self.axes!r} need the shape "
                f"(T, {str(self.frame_shape)[1:-1].rstrip(',')})",
                found=values.shape,
                remedy="correct joints, channels or axes in the column map, or leave this file out",
            )
        if self.axes == "TCV":
            values = values.transpose(0, 2, 1)
        values = values.reshape(len(values), len(self.joints), len(self.channels))
        positions, score = positions_and_score(values, self.channels, self.min_score, where)
        if self.joint_map is None:
            order = [self.joints.index(joint) for joint in self.skeleton.joints]
            return positions[:, order], None if score is None else score[:, order]
        kept = slice(self.joint_map.skip_frames, None)
        mapped = self.joint_map.apply(positions, self.joints, where)[kept]
        if score is None:
            return mapped, None
        stand_in = np.repeat(score[..., None], 3, axis=-1) / self.joint_map.scale
        return mapped, self.joint_map.apply(stand_in, self.joints, where)[kept, :, 0]


def load_column_map(path: str | Path, joint_map: str | Path | None = None) -> ColumnMap:
    """A map from a JSON file.

    Args:
        path: The file.
        joint_map: File of a joint map, which then says layout, unit and up axis.

    Raises:
        ConfigError: There is no such file, or a key is wrong; the message names it.
    """
    raw = parse_object(read_text(path, "column map"), str(path))
    mapped = None if joint_map is None else load_joint_map(joint_map)
    check_keys(raw, {*_DEFAULTS} | (set() if mapped else {"skeleton", "unit", "up"}), str(path))
    values = {**_DEFAULTS, **raw}
    check_values(values, _checks(values, mapped is None), str(path))
    skeleton = mapped.skeleton if mapped else get_skeleton(values["skeleton"])
    channels = tuple(values["channels"])
    joints, columns = _joints_and_columns(values, channels, None if mapped else skeleton, str(path))
    if mapped is None and {*joints} != {*skeleton.joints}:
        strangers, absent = sorted({*joints} - {*skeleton.joints}), sorted({*skeleton.joints} - {*joints})
        raise ConfigError(
            f"{path}, key 'joints'",
            f"without --joint-map these must be the joints of {skeleton.name!r}",
            found=f"missing {absent}, unknown {strangers}",
            remedy="rename them here (columns may keep their names), or pass --joint-map",
        )
    return ColumnMap(
        skeleton=skeleton,
        unit=mapped.unit if mapped else values["unit"],
        up=mapped.up if mapped else values["up"],
        joints=joints,
        channels=channels,
        rate=None if values["rate"] is None else float(values["rate"]),
        columns=columns,
        axes=values["axes"],
        delimiter=values["delimiter"],
        array=values["array"],
        min_score=float(values["min_score"]),
        joint_map=mapped,
        source=values["source"],
        licence=values["licence"],
    )


_DEFAULTS: dict[str, Any] = {
    "about": "",
    "source": "",
    "licence": "",
    "joints": None,
    "columns": "{joint}_{axis}",
    "channels": ["x", "y", "z"],
    "axes": "TVC",
    "rate": None,
    "header": True,
    "delimiter": ",",
    "array": None,
    "min_score": 0,
}


def _checks(values: dict[str, Any], layout: bool) -> list[Check]:
    """Of every key but ``joints`` and the names in ``columns``; of layout, unit and up only if ``layout``."""
    rate, channels, small = values["rate"], values["channels"], []
    if _are_names(channels):
        small = [name.lower() for name in channels]
    checks: list[Check] = [
        *((key, is_text(values[key]), "write a text") for key in ("about", "source", "licence")),
        (
            "channels",
            {"x", "y"} <= {*small} and len({*small}) == len(small) and len({*small} - {*"xyz"}) <= 1,
            'write ["x", "y", "z"], or with a score ["x", "y", "score"]; upper case is fine',
        ),
        ("axes", values["axes"] in AXES, f"use one of {AXES}"),
        ("rate", rate is None or (is_number(rate) and 0 < rate <= 1e4), "write frames per second, or null"),
        ("header", isinstance(values["header"], bool), "write true or false"),
        ("delimiter", values["delimiter"] in DELIMITERS, f"use one of {DELIMITERS}"),
        ("array", values["array"] is None or _are_names([values["array"]]), "write the name of an array, or null"),
        (
            "min_score",
            is_number(values["min_score"])
            and abs(values["min_score"]) <= 1e9
            and (not values["min_score"] or bool({*small} - {*"xyz"})),
            "write a number, and name the channel of the score",
        ),
        (
            "columns",
            values["header"] is True or values["columns"] == _DEFAULTS["columns"],
            "leave it out where there is no header; the order of joints and channels says it all",
        ),
    ]
    if layout:
        checks += [
            ("skeleton", _are_names([values.get("skeleton")]), "name a joint layout, such as egait16"),
            ("unit", values.get("unit") in tuple(UNITS), f"use one of {tuple(UNITS)}"),
            ("up", values.get("up") in UP_AXES, f"use one of {UP_AXES}"),
        ]
    return checks


def _joints_and_columns(
    values: dict[str, Any], channels: tuple[str, ...], skeleton: Skeleton | None, where: str
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...] | None]:
    """Names of the joints, by default those of ``skeleton``, and of their columns unless there is no header."""
    listed, columns = values["joints"], values["columns"]
    if isinstance(listed, str):
        listed = list(get_skeleton(listed).joints)
    if listed is None and isinstance(columns, dict):
        listed = [*columns]
    elif listed is None and skeleton is not None:
        listed = [*skeleton.joints]
    if not _are_names(listed) or len({*listed}) != len(listed):
        raise ConfigError(
            f"{where}, key 'joints'",
            "must be a list of different joint names, or the name of a layout",
            found=repr(listed)[:200],
            remedy="name the joints in the order of the table",
        )
    joints = tuple(listed)
    if isinstance(columns, str) and "{joint}" in columns and "{axis}" in columns:
        columns = {
            joint: [columns.replace("{joint}", joint).replace("{axis}", axis) for axis in channels] for joint in joints
        }
    count = len(channels)
    if (
        not isinstance(columns, dict)
        or {*columns} != {*joints}
        or not all(_are_names(names) and len(names) == count for names in columns.values())
        or len({name for names in columns.values() for name in names}) != count * len(joints)
    ):
        raise ConfigError(
            f"{where}, key 'columns'",
            f"must name {count} columns {channels} of every joint, each once",
            found=repr(values["columns"])[:200],
            remedy='write "{joint}_{axis}", or {"left_knee": ["LKneeX", "LKneeY", "LKneeZ"], ...}',
        )
    return joints, tuple(tuple(columns[joint]) for joint in joints) if values["header"] else None


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)

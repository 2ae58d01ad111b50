"""From the joints of a recording to those of a layout, as a small JSON file says it.

    {
      "about": "what this maps, and how each doubtful joint was chosen",
      "reference": "where that is documented",
      "source": "for the archive: which data", "licence": "for the archive: its terms",
      "skeleton": "egait16", "unit": "cm", "up": "y",
      "joints": {"root": "Hips", "head": ["Head", "Head_end"], ...}
    }

``skeleton``, ``unit``, ``up`` and ``joints`` are needed. ``joints`` gives every joint of the layout one joint of the
recording, or a list of which the mean is taken. Optional besides the texts above: ``scale`` (``unit`` per unit of the
file, 1 by default), ``prefix`` (regular expression of what may stand before the names), ``skip_frames`` (frames at the
start that are no movement, such as a T-pose) and ``pattern`` (regular expression of the usual file names).
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from mmgaitemo.archive import UNITS, UP_AXES
from mmgaitemo.conversion.json_file import check_keys, check_values, is_number, is_text, parse_object, read_text
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import Skeleton, get_skeleton

_PRESETS = resources.files("mmgaitemo.conversion") / "joint_maps"


@dataclass(frozen=True)
class JointMap:
    """How the joints of a recording become those of a layout.

    Args:
        skeleton: The layout.
        unit: Of the mapped positions, one of ``archive.UNITS``.
        up: Axis of the recording that points up, one of ``archive.UP_AXES``; positions are not turned.
        joints: Joint of the layout -> joints of the recording of which the mean is taken, mostly one.
        scale: ``unit`` per unit of the recording.
        prefix: What may stand before the recording's joint names and is ignored, a regular expression.
        skip_frames: Frames at the start of a recording that are no movement.
        pattern: Regular expression with named groups for the usual file names; empty where there are none.
        source: Which data, for the archive.
        licence: Its terms, for the archive.
    """

    skeleton: Skeleton
    unit: str
    up: str
    joints: Mapping[str, tuple[str, ...]]
    scale: float = 1.0
    prefix: str = ""
    skip_frames: int = 0
    pattern: str = ""
    source: str = ""
    licence: str = ""

    def apply(self, positions: np.ndarray, names: Sequence[str], where: str) -> np.ndarray:
        """The joints of the layout.

        Args:
            positions: (T, J, 3) in the recording's unit.
            names: Its J joint names.
            where: The recording, for messages.

        Returns:
            (T, V, 3) float64 in ``unit``.

        Raises:
            DataError: A joint that the map names is not there, or is there twice.
        """
        bare, needed = self._bare(names), self._needed()
        if missing := [name for name in needed if name not in bare]:
            near = {name: difflib.get_close_matches(name, bare, n=2) for name in missing}
            hints = [f"{name} (near: {', '.join(near[name]) or 'none'})" for name in missing]
            fitting = " or ".join(fitting_presets(names)) or "of this skeleton"
            raise DataError(
                where,
                "joints that the map names are missing",
                found=f"{', '.join(hints)}; there are {', '.join(names)}",
                remedy=f"choose the preset {fitting}, or write a map with these names (--map)",
            )
        if twice := [name for name, count in Counter(bare).items() if count > 1 and name in needed]:
            raise DataError(where, "joint names occur twice", found=twice, remedy="rename one of each in the file")
        columns = [[bare.index(name) for name in self.joints[joint]] for joint in self.skeleton.joints]
        return self.scale * np.stack([positions[:, column].mean(axis=1) for column in columns], axis=1)

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a recording with joints of these names has all that the map needs."""
        return {*self._needed()} <= {*self._bare(names)}

    def _bare(self, names: Sequence[str]) -> list[str]:
        prefixes = [re.match(self.prefix, name) for name in names]
        return [name[prefix.end() :] if prefix else name for name, prefix in zip(names, prefixes, strict=True)]

    def _needed(self) -> list[str]:
        return list(dict.fromkeys(name for sources in self.joints.values() for name in sources))


def presets() -> list[str]:
    """Names of the maps that come with the package."""
    return sorted(entry.name.removesuffix(".json") for entry in _PRESETS.iterdir() if entry.name.endswith(".json"))


def preset(name: str) -> JointMap:
    """A map that comes with the package.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in presets():
        raise ConfigError("preset", "no such joint map", found=repr(name), remedy=f"use one of {presets()}, or a file")
    return _parse((_PRESETS / f"{name}.json").read_text(encoding="utf-8"), f"preset {name!r}")


def fitting_presets(names: Sequence[str]) -> list[str]:
    """Names of the presets that fit a recording with joints of these names."""
    return [name for name in presets() if preset(name).fits(names)]


def load_joint_map(path: str | Path) -> JointMap:
    """A map from a JSON file.

    Raises:
        ConfigError: There is no such file, or it is no joint map; the message names the key.
    """
    return _parse(read_text(path, "joint map"), str(path))


def _parse(text: str, where: str) -> JointMap:
    raw = parse_object(text, where)
    texts = ("about", "reference", "source", "licence", "prefix", "pattern")
    check_keys(raw, (*texts, "skeleton", "unit", "up", "joints", "scale", "skip_frames"), where)
    scale, skip = raw.get("scale", 1.0), raw.get("skip_frames", 0)
    checks = [
        ("unit", raw.get("unit") in tuple(UNITS), f"use one of {tuple(UNITS)}"),
        ("up", raw.get("up") in UP_AXES, f"use one of {UP_AXES}"),
        ("scale", is_number(scale) and 0 < scale < 1e9, "write a number above 0"),
        ("skip_frames", isinstance(skip, int) and is_number(skip) and 0 <= skip < 1e9, "write a whole number"),
        ("skeleton", isinstance(raw.get("skeleton"), str), "name a joint layout, such as egait16"),
        *((key, is_text(raw.get(key, "")), "write a text") for key in texts),
        *((key, _is_expression(raw.get(key, "")), "write a regular expression") for key in ("prefix", "pattern")),
    ]
    check_values(raw, checks, where)
    skeleton = get_skeleton(raw["skeleton"])
    return JointMap(
        skeleton=skeleton,
        unit=raw["unit"],
        up=raw["up"],
        joints=parse_joints(raw.get("joints"), skeleton, f"{where}, key 'joints'"),
        scale=float(scale),
        prefix=raw.get("prefix", ""),
        skip_frames=skip,
        pattern=raw.get("pattern", ""),
        source=raw.get("source", ""),
        licence=raw.get("licence", ""),
    )


def parse_joints(raw: Any, skeleton: Skeleton, where: str) -> dict[str, tuple[str, ...]]:
    """Joint of the layout -> joints of the recording of which the mean is taken.

    Args:
        raw: As JSON has it: one joint of the recording for each of the layout, or a list of them.
        skeleton: The layout.
        where: File and key, for messages.

    Raises:
        ConfigError: It is something else.
    """
    names = set(raw) if isinstance(raw, dict) else set()
    if names != set(skeleton.joints):
        raise ConfigError(
            where,
            f"must map each joint of {skeleton.name!r}",
            found=f"missing {sorted(set(skeleton.joints) - names)}, unknown {sorted(names - set(skeleton.joints))}",
            remedy="write for each one joint of the recording, or a list of which the mean is taken",
        )
    joints = {}
    for name, sources in raw.items():
        listed = sources if isinstance(sources, list) else [sources]
        if not listed or not all(isinstance(source, str) and source for source in listed):
            raise ConfigError(
                f"{where}, joint {name!r}", "needs joint names", found=repr(sources), remedy="write one, or a list"
            )
        joints[name] = tuple(listed)
    return joints


def _is_expression(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return True

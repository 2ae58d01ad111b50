"""What an archive says about all of its walks."""

from __future__ import annotations

from dataclasses import dataclass

from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import get_skeleton

FORMAT = "mmgaitemo gait archive"
VERSION = 1
SUFFIX = ".gait.h5"

# Metres per unit; None: the unit has no length in metres (pixels of an image, heights of the body).
UNITS: dict[str, float | None] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "pixel": None, "body": None}
UP_AXES = ("x", "y", "z", "-x", "-y", "-z")


@dataclass(frozen=True)
class ArchiveInfo:
    """The attributes of an archive.

    Args:
        skeleton: Name of a registered joint layout; fixes the order of the V axis.
        unit: Of the coordinates, one of ``UNITS``.
        up: Coordinate axis that points up, one of ``UP_AXES``; images, whose y runs down, have ``-y``.
        rate: Frames per second; ``None`` where it is not known.
        label_names: Class names, in the order of the ids.
        source: Where the walks come from: data set, version, reference.
        licence: Under which terms they may be used.

    Raises:
        ConfigError: A value is none of those.
    """

    skeleton: str
    unit: str
    up: str
    rate: float | None = None
    label_names: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        get_skeleton(self.skeleton)
        rate, names = self.rate, self.label_names
        number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
        checks = [
            ("unit", self.unit in UNITS, f"use one of {tuple(UNITS)}"),
            ("up", self.up in UP_AXES, f"use one of {UP_AXES}"),
            ("rate", rate is None or (number and 0.1 <= rate <= 1e5), "give frames per second (0.1 to 1e5), or None"),
            (
                "label_names",
                isinstance(names, tuple)
                and all(isinstance(n, str) and n for n in names)
                and len({*names}) == len(names),
                "list different names, in the order of the ids",
            ),
            ("source", isinstance(self.source, str), "write a text"),
            ("licence", isinstance(self.licence, str), "write a text"),
        ]
        for field, fulfilled, remedy in checks:
            if not fulfilled:
                found = repr(getattr(self, field))
                raise ConfigError(f"archive.{field}", "is no such value", found=found, remedy=remedy)

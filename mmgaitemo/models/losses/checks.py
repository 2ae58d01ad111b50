"""What the losses ask of their numbers."""

from __future__ import annotations

import math

from mmgaitemo.errors import ConfigError


def check_positive(key: str, value: float, remedy: str) -> None:
    """Let a finite number above zero pass: NaN or infinity would only show after the first step.

    Raises:
        ConfigError: ``value`` of the config's ``key`` is something else.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        raise ConfigError(key, "must be positive and finite", found=repr(value), remedy=remedy)

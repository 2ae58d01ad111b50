"""Where the time of a step goes: phases that may lie inside one another, each second counted once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from mmgaitemo.benchmark.timing import synchronise


class Stopwatch:
    """Adds up the seconds of named phases; a phase inside another one is not counted to the outer one.

    Args:
        device: It is waited for whenever a phase begins or ends, so that its work counts to the phase that asked.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what happens inside to ``name``."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def watch(self, owner: Any, method: str, phase: str | Callable[..., str]) -> None:
        """Count every call of ``owner.method`` from now on.

        Args:
            owner: An object; the method is wrapped in this one alone.
            method: Its name.
            phase: Name of the phase, or what gives it from the arguments of the call.
        """
        call = getattr(owner, method)

        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.phase(phase if isinstance(phase, str) else phase(*args, **kwargs)):
                return call(*args, **kwargs)

        setattr(owner, method, timed)

    def take(self) -> dict[str, float]:
        """Phase to seconds so far; starts anew."""
        seconds, self.seconds = dict(self.seconds), defaultdict(float)
        return seconds

    def _turn(self) -> None:
        """Give the time since the last turn to the innermost open phase."""
        synchronise(self.device)
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now

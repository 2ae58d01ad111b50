"""From a recording of any kind to the inputs of a network: what every recording goes through, the same for all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmgaitemo.apis.inputs import Take
from mmgaitemo.apis.layouts import to_layout
from mmgaitemo.archive.writer import LARGEST
from mmgaitemo.datasets import build_pipeline
from mmgaitemo.datasets.pipelines import AlignHeading, Resample, ResampleRate, TileCyclic, WholeCycles
from mmgaitemo.errors import DataError
from mmgaitemo.inspection.upright import Upright
from mmgaitemo.inspection.walk import Walk
from mmgaitemo.motion.axes import upright
from mmgaitemo.motion.cycles import SEEN_TWICE, find_cycles
from mmgaitemo.motion.gaps import repair_gaps
from mmgaitemo.motion.resampling import resample_rate, whole_rate
from mmgaitemo.motion.windows import cycle_windows, fixed_windows
from mmgaitemo.skeleton import Skeleton

MAX_GAP = 10  # frames of a joint to interpolate, as in the converters
_PIECE = 4.0  # seconds, three gait cycles: a stretch in which none is found is halved while its halves are longer


@dataclass(frozen=True)
class Arranged:
    """A recording in the layout, rate and axes of the model.

    Args:
        take: As it was.
        positions: (T, V, 3) float64, finite, upright; unit, place and heading of the recording.
        begin_s: Seconds of the recording before the first frame.
        repairs: What was done to it, in words.
    """

    take: Take
    positions: np.ndarray
    begin_s: float
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A recording cut into windows.

    Args:
        walk: The recording.
        windows: At least one, in order.
        inputs: (N, 3, T', V) float32, what the model's own pipeline leaves of each window.
        clocks: (N, T') frame of the recording that each frame of a window shows, with fractions.
    """

    walk: Arranged
    windows: list[slice]
    inputs: Tensor
    clocks: np.ndarray


class Preparation:
    """Reads nothing and knows no weights: the way of a recording to a model's inputs.

    Args:
        pipeline: The model's recipe. A step ``WholeCycles`` in it is left out, because windows are cut here; they have
            as many cycles as it asks for, else one.
        skeleton: The model's layout.
        rate: Frames per second of a window before the pipeline.
        frames: Of a window where no gait cycle is found.
    """

    def __init__(self, pipeline: dict[str, Any], skeleton: Skeleton, rate: float, frames: int) -> None:
        steps: list[Any] = list(build_pipeline(pipeline).transforms)
        self._cycles = max((step.count for step in steps if isinstance(step, WholeCycles)), default=1)
        self._steps: list[BaseTransform] = [step for step in steps if not isinstance(step, WholeCycles)]
        self.skeleton, self.rate, self.frames = skeleton, rate, frames

    def __call__(self, take: Take) -> Prepared:
        """Joints, gaps, up axis, rate; then windows; then the model's pipeline.

        Raises:
            DataError: The recording is no walk of a person, or what is needed to read it is not known.
        """
        walk = self.arrange(take)
        windows = self.cycles(walk)
        if not windows:
            windows = overlapping(len(walk.positions), self.frames)
            cut = f"cut into {len(windows)} windows" if len(windows) > 1 else "taken whole"
            walk = replace(walk, repairs=(*walk.repairs, f"no gait cycle that comes again is found: {cut}"))
        return self.finish(walk, windows)

    def cycles(self, walk: Arranged) -> list[slice]:
        """Windows of whole gait cycles; empty where none is found."""
        return whole_cycles(walk.positions, self.skeleton, self._cycles, self.rate)

    def finish(self, walk: Arranged, windows: list[slice]) -> Prepared:
        """Send windows through the model's pipeline; one in which a step finds no walk is left out, and that is said.

        Raises:
            DataError: None is left.
        """
        kept, inputs, clocks, errors = [], [], [], []
        for window in windows:
            try:
                prepared, clock = self._network_input(walk.take, walk.positions[window])
            except DataError as error:
                errors.append(error)
                continue
            kept.append(window)
            inputs.append(prepared)
            clocks.append(window.start + clock)
        if not kept:
            raise errors[0]
        if errors:
            walk = replace(walk, repairs=(*walk.repairs, f"{len(errors)} windows left out: {errors[0]}"))
        return Prepared(walk, kept, torch.stack(inputs), np.stack(clocks))

    def arrange(self, take: Take) -> Arranged:
        """Bring a recording to the model's joints, rate and up axis, without gaps.

        Raises:
            DataError: It cannot be, or no body stands upright in it.
        """
        where = f"{take.source}, recording {take.id!r}"
        given, repairs = np.asarray(take.positions), []
        if given.dtype.kind not in "iuf" or given.shape[1:] != (take.skeleton.num_joints, 3):
            raise DataError(
                where,
                f"layout {take.skeleton.name!r} needs numbers (T, {take.skeleton.num_joints}, 3)",
                found=f"{given.dtype} {given.shape}",
                remedy="name the layout that the recording is in (--skeleton)",
            )
        if len(given) < 2:
            raise DataError(where, "is too short to see a movement", found=f"{len(given)} frames", remedy="record more")
        if take.rate is None:
            raise DataError(where, "its frame rate is not known", remedy="say it: rate=30, or --rate 30")
        if (np.abs(given) > LARGEST).any():  # NaN is not
            raise DataError(where, f"a coordinate is infinite, or beyond {LARGEST:g}", remedy="record it as missing")
        positions = to_layout(given.astype(np.float64), take.skeleton, self.skeleton, where)
        if take.skeleton != self.skeleton:
            repairs.append(f"joints of {take.skeleton.name} brought to {self.skeleton.name}")
        gaps = repair_gaps(positions, MAX_GAP, where)
        if gaps.values:
            repairs.append(f"{gaps.values} joint positions interpolated, the longest gap {gaps.longest} frames")
        if cut := len(positions) - len(gaps.positions):
            repairs.append(f"{cut} frames without every joint cut off at the ends")
        positions = upright(gaps.positions, take.up, self.skeleton)
        if positions is not gaps.positions:
            repairs.append(f"turned: {take.up} was up")
        self._check_body(positions, where, take.up)
        rate = whole_rate(take.rate)
        if rate != self.rate:
            repairs.append(f"resampled from {rate:g} to {self.rate:g} Hz")
        positions = resample_rate(positions, rate, self.rate, where)
        if len(positions) < 2:
            raise DataError(where, "is too short to see a movement", found=f"{len(given)} frames", remedy="record more")
        return Arranged(take, positions, gaps.first / rate, tuple(repairs))

    def _check_body(self, positions: np.ndarray, where: str, up: str) -> None:
        """Refuse what the network would answer nonsense to without a word."""
        walk = Walk(0, where, "", "", -1, "", positions, self.skeleton, None)
        if walk.planar and any(isinstance(step, AlignHeading) for step in self._steps):
            raise DataError(
                where,
                "has two dimensions, and the model needs three",
                remedy="lift it to 3-D, or pass a model that was trained on images",
            )
        check = Upright()
        check.add(walk)
        if check.findings:
            raise DataError(
                where,
                f"the body does not stand upright with {up} up",
                found=f"cosine of trunk and {up} axis {check.findings[0].value:.2f}",
                remedy="say which axis points up: up='{0}', or --up {0}".format("y" if up == "z" else "z"),
            )

    def _network_input(self, take: Take, window: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """(3, T', V) and (T',): the frame of the window that each frame shows."""
        clock = np.arange(len(window), dtype=np.float64)[:, None, None]
        results: dict[str, Any] = {
            "id": take.id,
            "positions": window,
            "skeleton": self.skeleton,
            "rate": self.rate,
            "up": "xyz"[self.skeleton.up],
            "unit": take.unit,
        }
        for step in self._steps:
            if isinstance(step, (TileCyclic, Resample, ResampleRate)):  # what they do to time they do to a clock
                clock = step.transform({**results, "positions": clock})["positions"]
            results = step.transform(results)
        inputs = results["inputs"]
        if len(clock) != inputs.shape[1]:  # a step of the user's own: taken as an even stretch
            clock = np.linspace(0, len(window) - 1, inputs.shape[1])
        return inputs, clock.reshape(-1)


def whole_cycles(positions: np.ndarray, skeleton: Skeleton, count: int, rate: float) -> list[slice]:
    """Windows of whole gait cycles in every stretch of a recording that has some.

    ``find_cycles`` gives the longest unbroken run; a turn or a halt breaks it. What lies before and behind is searched
    in turn, and so are the halves of a long stretch that as a whole shows no rhythm.

    Args:
        positions: (T, V, 3), finite, upright.
        skeleton: The layout.
        count: Cycles of a window.
        rate: Frames per second.

    Returns:
        Windows in order, apart from each other; empty where no cycle is found.
    """
    found: list[slice] = []
    stretches = [(0, len(positions))]
    while stretches:
        start, stop = stretches.pop()
        cycles = find_cycles(positions[start:stop], skeleton, "xyz"[skeleton.up])
        if len(cycles.starts):
            found += [slice(start + run.start, start + run.stop) for run in cycle_windows(cycles, count)]
            first, last = start + int(cycles.starts[0]), start + int(cycles.starts[-1])
            least = (1 + SEEN_TWICE) * cycles.period
            stretches += [(a, b) for a, b in ((start, first), (last, stop)) if b - a >= least]
        elif stop - start >= 2 * _PIECE * rate:
            middle = (start + stop) // 2
            stretches += [(start, middle), (middle, stop)]
    return sorted(found, key=lambda window: window.start)


def overlapping(frames: int, length: int) -> list[slice]:
    """Windows of ``length`` frames, each half over the one before, the last at the end; a shorter recording is one."""
    if frames <= length:
        return [slice(0, frames)]
    windows = fixed_windows(frames, length, length // 2)
    return windows if windows[-1].stop == frames else [*windows, slice(frames - length, frames)]

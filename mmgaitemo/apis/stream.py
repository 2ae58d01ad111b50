"""Live use: frames come one by one, predictions leave gait cycle by gait cycle."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TextIO

import numpy as np

from mmgaitemo.apis.inferencer import Complaint, GaitEmotionInferencer
from mmgaitemo.apis.inputs import Said, Take
from mmgaitemo.apis.prediction import GaitPrediction
from mmgaitemo.apis.windows import Arranged
from mmgaitemo.archive.writer import LARGEST
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.motion.resampling import resample_rate
from mmgaitemo.skeleton import get_skeleton

LONGEST_LINE = 1 << 16  # characters; a frame of 25 joints has some 2,000
BUFFER = 10.0  # seconds of frames kept; one and a half cycles have to fit
_LOOK = 0.25  # seconds between two looks for cycles
_SETTLED = 0.25  # part of a cycle that has to follow it: until then its end may still move


class GaitStream:
    """Predictions of one person who walks in front of a sensor.

    Args:
        inferencer: Of the model.
        said: Layout, rate and up axis of the frames; the rate is needed.

    Raises:
        ConfigError: The rate is not said.
        DataError: It is too far from the model's.
    """

    def __init__(self, inferencer: GaitEmotionInferencer, said: Said) -> None:
        if said.rate is None:
            raise ConfigError("rate", "a stream does not say its rate", remedy="say it: --rate 60")
        self._inferencer, self._rate = inferencer, said.rate
        resample_rate(np.zeros(1), said.rate, inferencer.prepare.rate, "rate")  # now, not when frames have come
        self._skeleton = get_skeleton(said.layout)
        self._up = said.up or "xyz"[self._skeleton.up]
        self._frames: deque[np.ndarray] = deque(maxlen=max(round(BUFFER * said.rate), 2))
        self._look = max(round(_LOOK * said.rate), 1)
        self._count = 0  # frames that came
        self._done = 0.0  # seconds of the stream that are predicted
        self._lost = False

    def push(self, frame: np.ndarray | None) -> list[GaitPrediction]:
        """Take a frame.

        Args:
            frame: (V, 3), NaN where a joint is missing; ``None`` where nobody is seen.

        Returns:
            A prediction for each gait cycle that it completes, mostly none; times are seconds since the first frame.

        Raises:
            DataError: The frame is none of the layout, and it is as if it had not come. Or the last seconds are no walk
                (a joint is missing for long, another axis is up): they are forgotten, and that is said once.
        """
        joints = self._skeleton.num_joints
        if frame is not None and (frame.shape != (joints, 3) or (np.abs(frame) > LARGEST).any()):  # NaN is not
            raise DataError(
                f"frame {self._count}",
                f"layout {self._skeleton.name!r} needs {joints} joints of 3 finite numbers, none beyond {LARGEST:g}",
                found=frame.shape,
                remedy="send [[x, y, z], ...] for each frame, null in place of a joint that is missing",
            )
        self._count += 1
        if frame is None or np.isnan(frame).all():
            self._frames.clear()  # who comes next may be another person
            return []
        self._frames.append(frame)
        return self._predict() if self._count % self._look == 0 and len(self._frames) > 1 else []

    def _predict(self) -> list[GaitPrediction]:
        prepare, passed = self._inferencer.prepare, (self._count - len(self._frames)) / self._rate
        take = Take("stream", "stream", np.stack(self._frames), self._skeleton, self._rate, self._up)
        try:
            walk = prepare.arrange(take)
        except DataError:
            self._frames.clear()
            lost, self._lost = self._lost, True
            if lost:
                return []
            raise
        self._lost = False
        walk = replace(walk, begin_s=passed + walk.begin_s)
        windows = []
        for window in prepare.cycles(walk):
            cycle = (window.stop - window.start) / prepare.rate
            settled = window.stop + _SETTLED * (window.stop - window.start) <= len(walk.positions)
            if settled and walk.begin_s + window.start / prepare.rate >= self._done - _SETTLED * cycle:
                windows.append(window)
                self._done = walk.begin_s + window.stop / prepare.rate
        return [self._prediction(walk, window) for window in windows]

    def _prediction(self, walk: Arranged, window: slice) -> GaitPrediction:
        return next(self._inferencer.predict([self._inferencer.prepare.finish(walk, [window])], explain=False))


def serve(lines: TextIO, out: TextIO, stream: GaitStream, on_error: Complaint) -> None:
    """Read frames as JSON lines until the end, and write a prediction as a JSON line for every gait cycle.

    A line is a frame, ``[[x, y, z], ...]`` in the order of the layout, with null in place of a missing joint; or null
    where nobody is seen. A line that is something else is skipped.

    Args:
        lines: Where frames come from.
        out: Where predictions go, each as soon as it is there.
        stream: The person.
        on_error: Called with the number of a line that is skipped, and the reason.
    """
    for number, line in enumerate(_bounded(lines), 1):
        try:
            predictions = stream.push(_frame(line))
        except DataError as error:
            on_error(f"line {number}", error)
            continue
        for prediction in predictions:
            window = prediction.as_dict()["windows"][0]
            answer = {key: window[key] for key in ("start_s", "stop_s")} | {
                "label": prediction.label,
                "abstained": prediction.abstained,
                **{key: window[key] for key in ("probabilities", "distance")},
            }
            print(json.dumps(answer), file=out, flush=True)


def _bounded(lines: TextIO) -> Iterator[str]:
    """Lines, of which no more than ``LONGEST_LINE`` characters are ever held; a longer one comes without its end."""
    begin = True
    while part := lines.readline(LONGEST_LINE):
        if begin:
            yield part
        begin = part.endswith("\n")


def _frame(line: str) -> np.ndarray | None:
    """(V, 3) of a line; None where nobody is seen.

    Raises:
        DataError: It is no frame.
    """
    try:
        joints = json.loads(line)
        return None if joints is None else np.array([_joint(joint) for joint in joints])
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(
            "frame", "is no JSON list of joints", found=f"{error} in {line[:60]!r}", remedy="send [[x, y, z], ...]"
        ) from None


def _joint(joint: Any) -> list[float]:
    if joint is None:
        return [np.nan] * 3
    if not isinstance(joint, list) or len(joint) != 3 or not all(type(value) in (int, float) for value in joint):
        raise TypeError("a joint is not [x, y, z] or null")
    return [float(value) for value in joint]

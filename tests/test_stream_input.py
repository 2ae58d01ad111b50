"""Live use: a prediction for every gait cycle, whatever comes between the frames."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import numpy as np
import pytest
from inference_parts import published, walk

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.prediction import GaitPrediction
from mmgaitemo.apis.stream import BUFFER, LONGEST_LINE, GaitStream, serve
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import KINECT25

CYCLE = 1.1  # seconds, of walk()


@pytest.fixture(scope="module")
def inferencer() -> GaitEmotionInferencer:
    return GaitEmotionInferencer(published())


def stream(inferencer: GaitEmotionInferencer, **says: object) -> GaitStream:
    return GaitStream(inferencer, inferencer.said(**{"rate": 60.0, **says}))  # type: ignore[arg-type]


def pushed(live: GaitStream, frames: np.ndarray) -> list[GaitPrediction]:
    return [prediction for frame in frames for prediction in live.push(frame)]


def text(frames: np.ndarray) -> list[str]:
    return [json.dumps(frame.round(5).tolist()) for frame in frames]


def served(live: GaitStream, lines: list[str]) -> tuple[list[dict], list[tuple[str, str]]]:
    out, errors = io.StringIO(), []
    serve(io.StringIO("\n".join(lines) + "\n"), out, live, lambda name, error: errors.append((name, str(error))))
    return [json.loads(line) for line in out.getvalue().splitlines()], errors


def check_cycles(answers: list[dict], seconds: float) -> None:
    """One for each gait cycle, in order, without holes; the last may not be over yet."""
    assert abs(len(answers) - seconds / CYCLE) <= 2
    assert all(abs(answer["stop_s"] - answer["start_s"] - CYCLE) < 0.1 for answer in answers)
    assert all(abs(after["start_s"] - before["stop_s"]) < 0.1 for before, after in pairwise(answers))
    for answer in answers:
        assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_a_prediction_for_every_gait_cycle(inferencer: GaitEmotionInferencer) -> None:
    answers, errors = served(stream(inferencer), text(walk(30, 60)))
    assert not errors
    check_cycles(answers, 30)
    assert answers[0]["start_s"] < CYCLE and set(answers[0]) == {
        *("start_s", "stop_s", "label", "abstained", "probabilities", "distance")
    }
    (whole,) = inferencer(walk(30, 60), rate=60, explain=False)
    for answer in answers[1:]:
        np.testing.assert_allclose(list(answer["probabilities"].values()), whole.probabilities, atol=0.05)


def test_a_prediction_comes_soon_after_its_cycle(inferencer: GaitEmotionInferencer) -> None:
    live = stream(inferencer)
    delays = [
        (number + 1) / 60 - prediction.windows[0].stop_s
        for number, frame in enumerate(walk(20, 60))
        for prediction in live.push(frame)
    ]
    assert max(delays[1:]) < CYCLE / 4 + 0.25 + 0.1 and min(delays) > CYCLE / 5  # until then its end might still move


def test_memory_is_bounded(inferencer: GaitEmotionInferencer) -> None:
    live = stream(inferencer)
    pushed(live, walk(40, 60))
    assert len(live._frames) == BUFFER * 60


def test_broken_lines_are_reported_and_skipped(inferencer: GaitEmotionInferencer) -> None:
    lines = text(walk(20, 60))
    broken = {
        100: "garbage",
        200: '{"frame": 1}',
        300: json.dumps(walk()[0, :5].tolist()),
        400: lines[400][:-20],
        500: "[" * 100_000,
        600: "",
        700: lines[700].replace(json.loads(lines[700])[0][0].__repr__(), '"a"', 1),
        800: json.dumps(walk()[0].tolist()).replace("[[", "[[1e999, ", 1),
        900: "9" * (3 * LONGEST_LINE),
    }
    with_junk = [*lines]
    for number in sorted(broken, reverse=True):
        with_junk.insert(number, broken[number])
    answers, errors = served(stream(inferencer), with_junk)
    assert [name for name, _ in errors] == [f"line {at + place}" for place, at in enumerate(broken, 1)]
    assert all("Remedy" in reason and len(reason) < 400 for _, reason in errors)
    assert answers == served(stream(inferencer), lines)[0]  # as if they had not come


def test_missing_joints_are_filled_and_a_lost_one_is_said_once(inferencer: GaitEmotionInferencer) -> None:
    frames = walk(20, 60)
    frames[np.arange(0, 1200, 37), 3] = np.nan
    whole = pushed(stream(inferencer), frames)
    check_cycles([prediction.as_dict()["windows"][0] for prediction in whole], 20)
    frames[600:900, 5] = np.nan
    lines = [json.dumps([None if np.isnan(joint).any() else joint.tolist() for joint in frame]) for frame in frames]
    answers, errors = served(stream(inferencer), lines)
    assert len(errors) == 1 and "joint 5 is missing" in errors[0][1]
    assert not [answer for answer in answers if 10.5 < (answer["start_s"] + answer["stop_s"]) / 2 < 14.5]
    assert len([answer for answer in answers if answer["start_s"] > 14.5]) >= 2


def test_who_comes_back_starts_anew(inferencer: GaitEmotionInferencer) -> None:
    lines = text(walk(10, 60)) + ["null"] * 300 + text(walk(10, 60, seed=2))
    answers, errors = served(stream(inferencer), lines)
    assert not errors
    assert not [answer for answer in answers if answer["start_s"] < 14.9 and answer["stop_s"] > 10.1]
    check_cycles([answer for answer in answers if answer["start_s"] < 12], 10)
    check_cycles([answer for answer in answers if answer["start_s"] > 12], 10)


def test_who_stands_is_not_predicted(inferencer: GaitEmotionInferencer) -> None:
    assert pushed(stream(inferencer), np.repeat(walk()[:1], 900, axis=0)) == []


def test_other_layouts_rates_and_axes(inferencer: GaitEmotionInferencer) -> None:
    frames = 1000 * walk(12, 25, KINECT25)[..., [2, 0, 1]]
    live = stream(inferencer, skeleton="kinect25", rate=25.0, up="z")
    check_cycles([prediction.as_dict()["windows"][0] for prediction in pushed(live, frames)], 12)


def test_what_a_stream_needs(inferencer: GaitEmotionInferencer) -> None:
    with pytest.raises(ConfigError, match="rate"):
        stream(inferencer, rate=None)
    with pytest.raises(DataError, match="16 joints"):
        stream(inferencer).push(np.zeros((5, 3)))
    for rate in (0.1, 1e5):
        with pytest.raises(DataError, match="rate: cannot go"):
            stream(inferencer, rate=rate)
    for value in (np.inf, 1e300):
        with pytest.raises(DataError, match="finite"):
            stream(inferencer).push(np.full((16, 3), value))
    live = stream(inferencer, up="z")  # it is not
    with pytest.raises(DataError, match="upright"):
        pushed(live, walk(2, 60))

"""Score fusion of streams: joined by id, the weighted mean of probabilities; what does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_here
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

TOOL = "tools/analysis/fuse_streams.py"
CLASSES = ["happy", "sad", "angry"]
WALKS, TRUTH = [f"walk{i}" for i in range(40)], np.arange(40) % 3


def content(seed: int) -> dict[str, Any]:
    """The scores of one stream, in an order of its own."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(3), len(WALKS))
    samples = {
        WALKS[i]: {"label": int(TRUTH[i]), "prediction": int(scores[i].argmax()), "scores": scores[i].tolist()}
        for i in rng.permutation(len(WALKS))
    }
    return {"classes": list(CLASSES), "class_note": "made up", "samples": samples}


def write(folder: Path, *streams: dict[str, Any]) -> list[Path]:
    paths = [folder / f"stream{number}.json" for number in range(len(streams))]
    for path, stream in zip(paths, streams, strict=True):
        path.write_text(json.dumps(stream))
    return paths


def matrix(stream: dict[str, Any]) -> np.ndarray:
    return np.array([stream["samples"][name]["scores"] for name in WALKS])


@pytest.mark.parametrize("weights", [None, (0.6, 0.6, 0.4), (1e308, 1e308, 5e307)])
def test_fused_scores_are_the_weighted_mean_joined_by_id(weights: tuple | None, tmp_path: Path) -> None:
    streams = [content(seed) for seed in range(3)]
    words = ["--weights", *weights] if weights else []
    done = run_here(TOOL, *write(tmp_path, *streams), *words, "--out", tmp_path / "new" / "fused.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    small = [weight / max(weights) for weight in weights] if weights else None
    expected = np.average([matrix(stream) for stream in streams], axis=0, weights=small)
    fused = json.loads((tmp_path / "new" / "fused.json").read_text())
    np.testing.assert_allclose(matrix(fused), expected, atol=1e-12)
    assert fused["classes"] == CLASSES and fused["class_note"] == "made up"
    assert [fused["samples"][name]["label"] for name in WALKS] == TRUTH.tolist()
    lines = done.stdout.splitlines()
    for line, scores in zip(lines[-4:], [*map(matrix, streams), expected], strict=True):
        predicted = scores.argmax(1)
        figures = [
            accuracy_score(TRUTH, predicted),
            balanced_accuracy_score(TRUTH, predicted),
            f1_score(TRUTH, predicted, average="macro"),
        ]
        assert [float(word) for word in line.split()[-3:]] == pytest.approx(figures, abs=5e-4)


def test_fusion_does_not_depend_on_the_order_of_the_files_and_can_be_fused_again(tmp_path: Path) -> None:
    first, second = write(tmp_path, content(0), content(1))
    for order, name in (((first, second), "a.json"), ((second, first), "b.json")):
        assert run_here(TOOL, *order, "--out", tmp_path / name, cwd=tmp_path).returncode == 0
    a, b = (matrix(json.loads((tmp_path / name).read_text())) for name in ("a.json", "b.json"))
    np.testing.assert_allclose(a, b, atol=1e-15)
    assert run_here(TOOL, tmp_path / "a.json", first, cwd=tmp_path).returncode == 0


def sample(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """A change to one walk of a stream."""
    return lambda stream: change(stream["samples"]["walk7"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda stream: stream["samples"].pop("walk7"), "39 in both, 1 in one, such as ['walk7']"),
        (lambda stream: stream["samples"].clear(), "needs walks"),
        (lambda stream: stream.update(classes=CLASSES[::-1]), "another order of them"),
        (lambda stream: stream["classes"].append("proud"), "one score per class"),
        (lambda stream: stream.pop("samples"), "holds no scores of walks"),
        (lambda stream: stream.update(samples=[1]), "samples is list, not dict"),
        (sample(lambda walk: walk.update(label=(walk["label"] + 1) % 3)), "other labels for some walks. Found: 1"),
        (lambda stream: stream.update(classes="abc"), "classes is 'abc', not a list of names"),
        (lambda stream: stream.update(classes=[0, 1, 2]), "not a list of names"),
        (sample(lambda walk: walk.update(label=bool(walk["label"]))), "class ids below 3. Found: [True]"),
        (sample(lambda walk: walk.update(scores=["0.5", "0.25", "0.25"])), "the score '0.5' is no number"),
        (sample(lambda walk: walk.update(scores=[True, False, False])), "the score True is no number"),
        (sample(lambda walk: walk.update(scores="abc")), "the score 'a' is no number"),
        (sample(lambda walk: walk.update(scores=1)), "holds no scores of walks"),
        (sample(lambda walk: walk.update(label=3)), "class ids below 3"),
        (sample(lambda walk: walk.update(label=-1)), "class ids below 3"),
        (sample(lambda walk: walk.update(label=0.5)), "class ids below 3"),
        (sample(lambda walk: walk.update(scores=[float("nan"), 0.5, 0.5])), "must be probabilities"),
        (sample(lambda walk: walk.update(scores=[float("inf"), 0.5, 0.5])), "must be probabilities"),
        (sample(lambda walk: walk.update(scores=[2.0, 1.0, -2.0])), "must be probabilities"),
        (sample(lambda walk: walk.update(scores=[0.5, 0.5, 0.1])), "'walk7' [0.5, 0.5, 0.1], 1 such walks"),
        (sample(lambda walk: walk.update(scores=[0.5, 0.5])), "holds no scores of walks"),
        (sample(lambda walk: walk.update(scores=[10**400, 0, 0])), "holds no scores of walks"),
    ],
)
def test_streams_that_do_not_fit_are_refused(change: Callable, words: str, tmp_path: Path) -> None:
    changed = content(1)
    change(changed)
    done = run_here(TOOL, *write(tmp_path, content(0), changed), "--out", tmp_path / "fused.json", cwd=tmp_path)
    assert done.returncode == 1 and words in done.stderr, done.stderr
    assert "stream1.json" in done.stderr and "Remedy" in done.stderr
    assert not (tmp_path / "fused.json").exists()


def test_a_walk_that_a_file_holds_twice_is_refused(tmp_path: Path) -> None:
    streams = [content(seed) for seed in range(2)]
    for stream in streams:
        stream["samples"]["again"] = stream["samples"].pop("walk7")
    paths = write(tmp_path, *streams)
    for path in paths:
        path.write_text(path.read_text().replace('"again"', '"walk1"'))
    done = run_here(TOOL, *paths, cwd=tmp_path)
    assert done.returncode == 1 and "stream0.json" in done.stderr and "['walk1'] occur twice" in done.stderr


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("stream0.json",), "two different files"),
        (("stream0.json", "./stream0.json"), "two different files"),
        (("stream0.json", "none.json"), "none.json: holds no scores"),
        (("stream0.json", "stream1.json", "--weights", "1"), "2 positive numbers"),
        (("stream0.json", "stream1.json", "--weights", "1", "0"), "2 positive numbers"),
        (("stream0.json", "stream1.json", "--weights", "1", "nan"), "2 positive numbers"),
        (("stream0.json", "stream1.json", "--out", "fused.txt"), ".json file"),
        (("stream0.json", "stream1.json", "--out", "stream1.json"), "no input"),
    ],
)
def test_arguments_without_sense_are_refused(words: tuple[str, ...], answer: str, tmp_path: Path) -> None:
    before = [path.read_text() for path in write(tmp_path, content(0), content(1))]
    done = run_here(TOOL, *words, cwd=tmp_path)
    assert done.returncode == 1 and answer in done.stderr, done.stderr
    assert [(tmp_path / f"stream{number}.json").read_text() for number in range(2)] == before

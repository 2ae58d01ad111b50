"""Emotion of walks from a published model alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from torch import Tensor

from mmgaitemo.apis.attribution import attribute, moments_of, ordinary_walks
from mmgaitemo.apis.inputs import Input, NoTake, Said, open_inputs
from mmgaitemo.apis.prediction import GaitPrediction, WindowPrediction
from mmgaitemo.apis.published import PublishedModel, load_published
from mmgaitemo.apis.windows import Preparation, Prepared
from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.skeleton import get_skeleton

Complaint = Callable[[str, Exception], None]


class GaitEmotionInferencer:
    """Reads recordings of any kind and says what a published model makes of them.

    In short::

        inferencer = GaitEmotionInferencer()                     # the demonstration model
        for prediction in inferencer("walks/*.bvh"):
            print(prediction.id, prediction.label, prediction.confidence)

    A recording goes this way: read; joints to the model's layout; short gaps filled; upright; to the model's frame
    rate; cut into whole gait cycles, or overlapping windows where none is found; the model's own pipeline; the network.

    Args:
        model: A published model, or its file; ``None`` is the demonstration model that comes with the package.
        device: Where the network runs, such as ``cpu`` or ``cuda``.
        batch_size: Windows that go through the network at once; those of several short recordings go together.

    Raises:
        DataError: The file is no published model.
        ConfigError: There is no such device, or the batch size is impossible.
    """

    def __init__(
        self, model: str | Path | PublishedModel | None = None, device: str = "cpu", batch_size: int = 64
    ) -> None:
        if batch_size < 1:
            raise ConfigError("batch_size", "needs at least one window", found=batch_size, remedy="64 is usual")
        _check_device(device)
        self.published = model if isinstance(model, PublishedModel) else load_published(model, device)
        self.batch_size = batch_size
        meta = self.published.meta
        self.classes = tuple(meta["classes"])
        self.prepare = Preparation(
            self.published.pipeline, get_skeleton(meta["skeleton"]), float(meta["rate"]), int(meta["frames"])
        )

    @property
    def note(self) -> str:
        """Which model it is, in a sentence or two."""
        meta = self.published.meta
        return f"Model {meta['name']}. {meta.get('note', '')}".strip()

    def __call__(
        self,
        inputs: Input | Iterable[Input],
        *,
        skeleton: str | None = None,
        rate: float | None = None,
        up: str | None = None,
        columns: str | Path | None = None,
        joint_map: str | Path | None = None,
        explain: bool = True,
        on_error: Complaint | None = None,
    ) -> list[GaitPrediction]:
        """Predictions of all recordings, one for each recording and person, in order.

        Args:
            inputs: An array (T, V, 3); a path of .bvh, .h5 (gait archive or E-Gait's features), .npy, .npz, .csv or
                .json; a folder; a pattern such as ``walks/*.bvh``; or an iterable of those.
            skeleton: Layout of arrays and of tables without a column map; by default the model's.
            rate: Frames per second; goes before what a file says.
            up: Axis that points up, such as ``z``; goes before what a file says.
            columns: Column map of tables (tools/dataset_converters/generic.py explains it).
            joint_map: Joint map, a file or for BVH a preset; by default the preset that fits.
            explain: Attribute to joints and moments, which costs the network a hundred times as much.
            on_error: Called with the name of a file or recording that cannot be taken, and the error; the others go on.
                Without it the error is raised.

        Raises:
            GaitError: An argument is impossible; or a recording is, and there is no ``on_error``.
        """
        said = self.said(skeleton=skeleton, rate=rate, up=up, columns=columns, joint_map=joint_map)
        return list(self.iterate(inputs, said, explain=explain, on_error=on_error))

    def said(
        self,
        *,
        skeleton: str | None = None,
        rate: float | None = None,
        up: str | None = None,
        columns: str | Path | None = None,
        joint_map: str | Path | None = None,
    ) -> Said:
        """What the user says of the recordings, see ``__call__``; checked."""
        return Said(skeleton or self.prepare.skeleton.name, rate, up, columns, joint_map)

    def iterate(
        self,
        inputs: Input | Iterable[Input],
        said: Said,
        *,
        explain: bool = True,
        on_error: Complaint | None = None,
    ) -> Iterator[GaitPrediction]:
        """As ``__call__``, one prediction after the other; memory holds a batch of recordings."""
        waiting: list[Prepared] = []
        for prepared in self._prepared(inputs, said, on_error):
            waiting.append(prepared)
            if sum(len(each.windows) for each in waiting) >= self.batch_size:
                yield from self.predict(waiting, explain=explain)
                waiting = []
        if waiting:
            yield from self.predict(waiting, explain=explain)

    def predict(self, recordings: list[Prepared], *, explain: bool) -> Iterator[GaitPrediction]:
        """Predictions of recordings that are prepared; their windows go through the network together."""
        inputs = self._network_inputs(torch.cat([each.inputs for each in recordings]))
        features, scores = self._forward(inputs)
        counts = [len(each.windows) for each in recordings]
        parts = zip(recordings, inputs.split(counts), features.split(counts), scores.split(counts), strict=True)
        for each, own_inputs, own_features, own_scores in parts:
            yield self._prediction(each, own_inputs if explain else None, own_features, own_scores.numpy())

    def _prepared(self, inputs: Input | Iterable[Input], said: Said, on_error: Complaint | None) -> Iterator[Prepared]:
        for source in open_inputs(inputs, said):
            try:
                for take in source.read():
                    try:
                        if isinstance(take, NoTake):
                            raise take.error
                        prepared = self.prepare(take)
                    except GaitError as error:
                        if on_error is None:
                            raise
                        on_error(f"{source.name}: {take.id}", error)
                    else:
                        yield prepared
            except (GaitError, OSError) as error:
                if on_error is None:
                    raise
                on_error(source.name, error)

    def _network_inputs(self, inputs: Tensor) -> Tensor:
        """(N, 3, T, V) to what the network reads, on its device."""
        count = len(inputs)
        batch = {"inputs": inputs, "label": torch.full((count,), -1), "id": [""] * count}
        return self.published.model.data_preprocessor(batch, False)["inputs"]

    @cached_property
    def _references(self) -> Tensor | None:
        """(R, P, C, T, V) on the device; see ``ordinary_walks``."""
        walks = ordinary_walks(self.prepare)
        return None if walks is None else self._network_inputs(walks.flatten(0, 1)).unflatten(0, walks.shape[:2])

    @torch.no_grad()
    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(N, d) float32 features and (N, C) float64 class scores over the temperature, on the CPU."""
        model, parts = self.published.model, []
        for part in inputs.split(self.batch_size):
            features = model.extract_feat(part)
            parts.append((features.float().cpu(), model.head(features).float().cpu()))
        features, scores = (torch.cat(column) for column in zip(*parts, strict=True))
        return features, scores.double() / self.published.calibration["temperature"]

    def _prediction(
        self, recording: Prepared, inputs: Tensor | None, features: Tensor, scores: np.ndarray
    ) -> GaitPrediction:
        walk, log_probabilities = recording.walk, log_softmax(scores, axis=1)
        probabilities = softmax(log_probabilities.mean(axis=0))
        distances = self.published.novelty.distance(features, recording.inputs).double().numpy()
        distance, threshold = float(np.median(distances)), float(self.published.novelty.threshold)
        best = int(probabilities.argmax())
        joints = moments = None
        if inputs is not None:
            temperature = self.published.calibration["temperature"]
            shares = attribute(self.published.model, inputs, self._references, best, temperature, self.batch_size)
            joints = shares.sum(axis=1).mean(axis=0)
            moments = moments_of(shares, recording.clocks, recording.windows, len(walk.positions))
        rate, vectors = self.prepare.rate, features.numpy()
        return GaitPrediction(
            id=walk.take.id,
            source=walk.take.source,
            classes=self.classes,
            probabilities=probabilities,
            label=None if distance > threshold else self.classes[best],
            distance=distance,
            threshold=threshold,
            windows=[
                WindowPrediction(
                    walk.begin_s + window.start / rate,
                    walk.begin_s + window.stop / rate,
                    np.exp(log_probabilities[row]),
                    float(distances[row]),
                    vectors[row],
                )
                for row, window in enumerate(recording.windows)
            ],
            joints=joints,
            moments=moments,
            features=vectors.mean(axis=0),
            repairs=walk.repairs,
            skeleton=self.prepare.skeleton,
            rate=rate,
            begin_s=walk.begin_s,
            positions=walk.positions,
        )


def _check_device(device: str) -> None:
    try:
        kind = torch.device(device).type
        there = kind == "cpu" or torch.get_device_module(kind).is_available()
    except RuntimeError:
        there = False
    if not there:
        raise ConfigError("device", "is not there", found=repr(device), remedy="use cpu, or cuda on a machine with one")

"""What the model makes of an upload, in sections of a page: walk, answer, what carried it, and who walked alike."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F

from mmgaitemo.apis.pictures import draw_prediction
from mmgaitemo.apis.prediction import GaitPrediction
from mmgaitemo.apis.published import Neighbours, PublishedModel
from mmgaitemo.visualization.run_report import Html, facts, missing, paragraph, picture, table, viewer
from mmgaitemo.visualization.walk_set import ShownWalk, WalkSet

NEAREST = 5
PERCEIVED = (
    "A model repeats how walks were labelled. It does not read feelings, and must not be used to judge a person."
)


def result_sections(
    name: str, predictions: Sequence[GaitPrediction], complaints: Sequence[str], published: PublishedModel
) -> dict[str, Html]:
    """The sections of the page, for ``report_page``.

    Args:
        name: Of the upload.
        predictions: Of its recordings, with attribution; at least one.
        complaints: What could not be taken of it, and why.
        published: The model that made them.
    """
    answer = Html(_answers(predictions, complaints) + paragraph(published.meta.get("note", "")))
    sections = {"Answer": answer, "The walk": _walks(name, predictions)}
    for number, prediction in enumerate(predictions, 1):
        heading = "What carried it" if len(predictions) == 1 else f"What carried it, {number}: {prediction.id}"
        sections[heading] = _reasons(prediction, published)
    sections["Model"] = model_facts(published)
    return sections


def nearest(neighbours: Neighbours, features: torch.Tensor) -> list[tuple[str, int, float]]:
    """(id, class id, similarity) of the training walks nearest to a walk, the nearest first.

    The similarity is that of the kNN probe (``mmgaitemo.evaluation.knn``): the cosine of features that are standardised
    on the training walks; 1 is the same direction, 0 is none in common.

    Args:
        neighbours: N training walks.
        features: (d,) of the walk.
    """
    bank = neighbours.features.float()
    mean, deviation = bank.mean(0), bank.std(0, unbiased=False).clamp(min=1e-6)
    bank, query = (F.normalize((part - mean) / deviation, dim=-1) for part in (bank, features.float()))
    similarity, places = (bank @ query).topk(min(NEAREST, len(bank)))
    rows = zip(similarity.tolist(), places.tolist(), strict=True)
    return [(neighbours.ids[place], neighbours.labels[place], found) for found, place in rows]


def _answers(predictions: Sequence[GaitPrediction], complaints: Sequence[str]) -> Html:
    heads = ["recording", "answer", *predictions[0].classes, "distance", "threshold", "seconds", "windows"]
    rows = [
        [
            each.id,
            each.label or "no answer",
            *(f"{value:.2f}" for value in each.probabilities),
            f"{each.distance:.2f}",
            f"{each.threshold:.2f}",
            f"{len(each.positions) / each.rate:.1f}",
            str(len(each.windows)),
        ]
        for each in predictions
    ]
    parts = [table(heads, rows)]
    if any(each.abstained for each in predictions):
        parts.append(paragraph("No answer: the walk is farther from the training walks than the threshold."))
    return Html("".join([*parts, *map(missing, complaints)]))


def _walks(name: str, predictions: Sequence[GaitPrediction]) -> Html:
    first = predictions[0]
    walks = tuple(ShownWalk(each.id, {"recording": each.positions}, _in_short(each)) for each in predictions)
    return viewer(WalkSet(name, first.skeleton, walks, first.rate, ground=True))


def _in_short(prediction: GaitPrediction) -> str:
    likeliest = f"{prediction.likeliest} {prediction.confidence:.2f}"
    return f"no answer ({likeliest})" if prediction.abstained else likeliest


def _reasons(prediction: GaitPrediction, published: PublishedModel) -> Html:
    with tempfile.TemporaryDirectory() as folder:
        path = draw_prediction(Path(folder) / "prediction.png", prediction)
        shown = picture(path, "Poses, probabilities over time, and the moments and joints that carried them")
    parts = [shown, Html("<h3>Nearest training walks</h3>")]
    if published.neighbours is None:
        parts.append(paragraph("This model was published without its training walks."))
    else:
        found = nearest(published.neighbours, torch.from_numpy(prediction.features))
        rows = [(name, prediction.classes[label] if label >= 0 else "-", f"{near:.2f}") for name, label, near in found]
        parts.append(table(["id", "label", "similarity"], rows))
    return Html("".join(parts))


def model_facts(published: PublishedModel) -> Html:
    """What has to be known of the model."""
    meta = published.meta
    return facts(
        {
            "Name": meta["name"],
            "Classes": ", ".join(meta["classes"]),
            "Class names": meta.get("class_note"),
            "Trained on": meta.get("data"),
            "Licence of the data": meta["licence"],
            "File": Path(published.path).name,
            "Note": meta.get("note"),
        }
    )

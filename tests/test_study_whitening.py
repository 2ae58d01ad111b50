"""Whitening in a study: encoders that are untrained on purpose and hand-made features get theirs too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import tiny_config
from study_configs import KINEMATICS, PRETRAIN, opened, run_missing, write_study

from mmgaitemo.evaluation import extract_features, fit_whitening, prepare_untrained, reestimate_batchnorm
from mmgaitemo.models.modules import NuisanceWhitening
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.study.protocols import KNN, Features

WHITENING = {"type": "NuisanceWhitening", "sensors": 0.0}
FITTED = {"model.backbone.whitening": WHITENING, "default_hooks.whitening": {"type": "WhiteningHook"}}


@pytest.fixture
def probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a study of these methods; what its kNN probe was given, by method."""
    seen: list[Features] = []
    plain = KNN.run

    def run(self: KNN, features: Features) -> Any:
        seen.append(features)
        return plain(self, features)

    monkeypatch.setattr(KNN, "run", run)

    def probe(methods: dict[str, Any]) -> dict[str, Features]:
        protocols = {"knn": {"type": "KNN", "k": 5}}
        config = write_study(tmp_path, methods=methods, protocols=protocols, reference=next(iter(methods)))
        run_missing(opened(tmp_path / "out", config), tmp_path / "encoders")
        return dict(zip(methods, seen, strict=True))

    return probe


def test_an_untrained_encoder_is_whitened_by_the_training_walks(probed: Any) -> None:
    found = probed(
        {
            "plain": {"untrained": PRETRAIN},
            "white": {"untrained": PRETRAIN, "changes": FITTED},
        }
    )
    plain, white = found["plain"], found["white"]
    whitening = NuisanceWhitening(plain.known.shape[1], sensors=0.0)
    whitening.fit(plain.known, plain.groups, plain.ids)
    assert torch.allclose(whitening(plain.known), white.known, atol=1e-3)
    assert torch.allclose(whitening(plain.queries), white.queries, atol=1e-3)
    assert not torch.allclose(plain.queries, white.queries, atol=0.1)


def test_hand_made_features_are_whitened_where_the_config_asks(probed: Any, tmp_path: Path) -> None:
    (tmp_path / "white.py").write_text(f"_base_ = {PRETRAIN!r}\nwhitening = {WHITENING!r}\n")
    found = probed(
        {
            "plain": {"kinematics": PRETRAIN, "changes": KINEMATICS},
            "white": {"kinematics": str(tmp_path / "white.py"), "changes": KINEMATICS},
        }
    )
    plain, white = found["plain"], found["white"]
    whitening = NuisanceWhitening(plain.known.shape[1], sensors=0.0)
    whitening.fit(plain.known, plain.groups, plain.ids)
    assert torch.equal(whitening(plain.queries), white.queries)
    assert _share_of_persons(white) < 0.5 * _share_of_persons(plain)


def _share_of_persons(features: Features) -> float:
    z = (features.known - features.known.mean(0)) / features.known.std(0).clamp(min=1e-6)
    places = np.unique(features.groups, return_inverse=True)[1]
    means = torch.stack([z[torch.from_numpy(places == place)].mean(0) for place in range(places.max() + 1)])
    return float(means[places].square().mean())


def test_what_was_fitted_before_is_forgotten(tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path, **{"model.backbone.whitening": WHITENING})
    data = DATASETS.build(cfg.val_cfg.bank)
    model = MODELS.build(cfg.model)
    prepare_untrained(model, data)
    once = model.backbone.whitening.matrix.clone()
    fit_whitening(model, data)
    assert torch.equal(model.backbone.whitening.matrix, once)
    model.backbone.whitening.reset()
    reestimate_batchnorm(model, data)
    features, _, _ = extract_features(model, data)
    assert not torch.allclose(features @ once, features, atol=0.1)

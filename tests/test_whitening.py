"""The whitening of persons and sensors: against NumPy, on planted nuisances, and in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PATHOGAIT, write_archive
from runs import ROOT, TINY_ENCODER, tiny_config, train

from mmgaitemo.config import load_config, preflight
from mmgaitemo.datasets import GaitDataset
from mmgaitemo.engine import WhiteningHook
from mmgaitemo.errors import ConfigError
from mmgaitemo.models.encoder_io import read_checkpoint
from mmgaitemo.models.modules import NuisanceWhitening
from mmgaitemo.registry import HOOKS
from mmgaitemo.samples import sample_groups, sample_walks

WIDTH = 12
LOOKS, TILTS = np.random.default_rng(9).normal(size=(2, 2, WIDTH))  # the same directions in every set of recordings


def recordings(seed: int = 0, persons: int = 5, ways: int = 4, sensors: int = 3) -> dict[str, Any]:
    """Features with one way of walking along each of the first axes; persons and sensors have two directions each."""
    rng = np.random.default_rng(seed)
    looks = 4 * rng.normal(size=(persons, 2)) @ LOOKS
    rows: dict[str, list[Any]] = {"x": [], "person": [], "walk": [], "way": []}
    for person in range(persons):
        for way in range(ways):
            for _ in range(sensors):
                noise = 3 * rng.normal(size=2) @ TILTS
                rows["x"].append(np.eye(WIDTH)[way] * 4 + looks[person] + noise + 0.3 * rng.normal(size=WIDTH))
                rows["person"].append(f"p{person}")
                rows["walk"].append(f"p{person}w{way}")
                rows["way"].append(way)
    rows["x"] = torch.tensor(np.array(rows["x"]), dtype=torch.float32)
    return rows


def fitted(rows: dict[str, Any], **settings: Any) -> NuisanceWhitening:
    whitening = NuisanceWhitening(WIDTH, **settings)
    whitening.fit(rows["x"], rows["person"], rows["walk"])
    return whitening


@pytest.mark.parametrize(("sensors", "persons"), [(1.0, 3.0), (2.0, 0.0), (0.0, 1.0)])
def test_equals_the_equations_in_numpy(sensors: float, persons: float) -> None:
    rows = recordings()
    x = rows["x"].double().numpy()
    z = (x - x.mean(0)) / x.std(0, ddof=1)
    walk, person = np.array(rows["walk"]), np.array(rows["person"])
    residuals = np.concatenate([z[walk == name] - z[walk == name].mean(0) for name in set(walk)])
    within = residuals.T @ residuals / (len(z) - len(set(walk)))
    between = np.cov(np.array([z[person == name].mean(0) for name in sorted(set(person))]).T)
    total = sensors * within + persons * between
    total += 0.2 * np.trace(total) / WIDTH * np.eye(WIDTH)
    values, vectors = np.linalg.eigh(total)
    expected = z @ (vectors @ np.diag(values**-0.5) @ vectors.T)
    found = fitted(rows, sensors=sensors, persons=persons, shrinkage=0.2)(rows["x"])
    assert np.allclose(found, expected, atol=1e-4)


def test_walks_that_one_sensor_saw_do_not_count_within() -> None:
    rows = recordings()
    lone = torch.randn(30, WIDTH) * 9
    names = [f"lone{number}" for number in range(30)]
    more = {"x": torch.cat([rows["x"], lone]), "person": rows["person"] + names, "walk": rows["walk"] + names}
    h = fitted(more, persons=0.0, shrinkage=1e-5)(rows["x"])
    assert torch.allclose(_covariance_within(h, rows["walk"]), torch.eye(WIDTH), atol=0.05)


def _covariance_within(h: torch.Tensor, walks: list[str]) -> torch.Tensor:
    names = np.array(walks)
    residuals = np.concatenate([h[names == name] - h[names == name].mean(0) for name in sorted(set(walks))])
    return torch.from_numpy(residuals.T @ residuals / (len(h) - len(set(walks)))).float()


def test_ways_of_walking_are_found_again_in_other_persons() -> None:
    known, unknown = recordings(seed=0), recordings(seed=1)
    whitening = fitted(known)

    def right(of: Any) -> float:
        distances = torch.cdist(of(unknown["x"]), of(known["x"]))
        said = torch.tensor(known["way"])[distances.argmin(1)]
        return float((said == torch.tensor(unknown["way"])).float().mean())

    assert right(lambda x: x) < 0.6 < 0.95 < right(whitening)


def test_is_the_identity_until_fitted_and_after_reset() -> None:
    x = recordings()["x"]
    whitening = NuisanceWhitening(WIDTH)
    assert torch.equal(whitening(x), x)
    whitening = fitted(recordings())
    assert not torch.allclose(whitening(x), x)
    whitening.reset()
    assert torch.equal(whitening(x), x)


def test_a_feature_that_never_changes_is_set_to_zero_weight() -> None:
    rows = recordings()
    rows["x"][:, 3] = 7.0
    whitening = fitted(rows)
    strange = rows["x"].clone()
    strange[:, 3] = -100.0
    assert torch.isfinite(whitening(strange)).all()
    assert torch.allclose(whitening(strange), whitening(rows["x"]))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shrinkage": 0.0}, r"NuisanceWhitening\.shrinkage"),
        ({"sensors": 0.0, "persons": 0.0}, "one of them above"),
        ({"persons": -1.0}, "at least 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        NuisanceWhitening(WIDTH, **settings)


def test_data_without_repetition_or_with_one_person_is_refused() -> None:
    rows = recordings()
    with pytest.raises(ConfigError, match=r"sensors: no walk was recorded more than once.*walk_pattern"):
        NuisanceWhitening(WIDTH).fit(rows["x"], rows["person"], list(map(str, range(len(rows["x"])))))
    with pytest.raises(ConfigError, match=r"persons: needs two persons"):
        NuisanceWhitening(WIDTH).fit(rows["x"], ["p"] * len(rows["x"]), rows["walk"])


def whitened(tmp_path: Path, **options: Any) -> Any:
    hook = {"default_hooks.whitening": dict(type="WhiteningHook")}
    whitening = {"model.backbone.whitening": dict(type="NuisanceWhitening", sensors=0.0)}
    return tiny_config(tmp_path, **{**hook, **whitening, **options})


def test_a_run_ends_with_the_whitening_of_its_training_walks(tmp_path: Path) -> None:
    model = train(whitened(tmp_path))
    states = [read_checkpoint(str(tmp_path / f"epoch_{epoch}.pth"))["state_dict"] for epoch in (1, 2)]
    name = "backbone.whitening.matrix"
    assert torch.equal(states[0][name], torch.eye(len(states[0][name])))
    assert torch.equal(states[1][name], model.backbone.whitening.matrix)
    assert not torch.allclose(states[1][name], states[0][name], atol=0.1)


def test_a_run_that_goes_on_begins_without_whitening_and_a_finished_one_keeps_it(tmp_path: Path) -> None:
    first = train(whitened(tmp_path, **{"train_cfg.max_epochs": 1}))
    assert not torch.allclose(first.backbone.whitening.matrix, torch.eye(first.backbone.out_channels), atol=0.1)
    finished = whitened(tmp_path, **{"train_cfg.max_epochs": 1})
    finished.resume = True
    assert torch.equal(train(finished).backbone.whitening.matrix, first.backbone.whitening.matrix)
    longer = whitened(tmp_path, **{"train_cfg.max_epochs": 2})
    longer.resume, longer.default_hooks.whitening.type = True, "WhiteningSeen"
    seen: list[torch.Tensor] = []

    @HOOKS.register_module(name="WhiteningSeen", force=True)
    class _Seen(WhiteningHook):
        def before_train(self, runner: Any) -> None:
            super().before_train(runner)
            seen.append(runner.model.backbone.whitening.matrix.clone())

    train(longer)
    assert torch.equal(seen[0], torch.eye(len(seen[0])))


@pytest.mark.parametrize("frames", [0, -3, 2.0, "24"])
def test_no_number_of_frames_is_refused(frames: Any) -> None:
    with pytest.raises(ConfigError, match=r"WhiteningHook\.frames"):
        WhiteningHook(frames)


def test_a_whitening_that_nobody_fits_and_a_hook_without_one_are_refused(tmp_path: Path) -> None:
    unfitted = whitened(tmp_path)
    unfitted.default_hooks.pop("whitening")
    with pytest.raises(ConfigError, match=r"model\.backbone\.whitening: no hook fits it.*WhiteningHook"):
        preflight(unfitted)
    with pytest.raises(ConfigError, match=r"WhiteningHook needs a backbone with whitening. Found: CFFN without"):
        train(whitened(tmp_path, **{"model.backbone.whitening": None}))


def test_walks_that_cannot_be_whitened_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sensors: no walk was recorded more than once"):
        train(whitened(tmp_path, **{"model.backbone.whitening.sensors": 1.0}))
    assert not list(tmp_path.glob("*.pth"))


def archive(tmp_path: Path, **settings: Any) -> GaitDataset:
    if not (tmp_path / "a.gait.h5").exists():
        write_archive(tmp_path / "a.gait.h5", PATHOGAIT, persons=3, takes=1, sensors=2)
    steps = [("time", dict(type="TileCyclic", length=24)), ("pack", dict(type="PackGait"))]
    return GaitDataset(
        data_root=str(tmp_path),
        files=dict(one=dict(archive="a.gait.h5")),
        pipeline=dict(order=tuple(name for name, _ in steps), **dict(steps)),
        classes=PATHOGAIT,
        fold_file=None,
        num_folds=3,
        **settings,
    )


def test_walks_are_what_the_pattern_finds_in_the_ids(tmp_path: Path) -> None:
    data = archive(tmp_path, walk_pattern=r"(.+)_SkeletonData\d")
    assert data.walks == sample_walks(data) == [name.rsplit("_", 1)[0] for name in data.ids]
    assert len(set(data.walks)) == len(data) / 2
    assert sample_groups(data) == data.groups
    assert data.get_subset([3, 0]).walks == [data.walks[3], data.walks[0]]
    assert archive(tmp_path).walks == data.ids


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("(", "no regular expression"), ("walk", "one capture group around the walk's"), ("(x{9})", "matches no key")],
)
def test_a_pattern_that_makes_no_sense_is_refused(tmp_path: Path, pattern: str, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"GaitDataset\.walk_pattern.*{words}"):
        archive(tmp_path, walk_pattern=pattern)


def test_the_pathological_gaits_are_whitened_over_their_sensors(stand_in_env: dict[str, str], tmp_path: Path) -> None:
    small = {**TINY_ENCODER, "train_cfg.max_epochs": 1, "train_dataloader.batch_size": 8, "model.queue.size": 37}
    small |= {"work_dir": str(tmp_path), "experiment_name": "whitened", "train_cfg.val_interval": 1}
    cfg = load_config(ROOT / "configs/ssal_plus_pathogait.py", small)
    matrix = train(cfg).backbone.whitening.matrix
    assert not torch.allclose(matrix, torch.eye(len(matrix)), atol=0.1)
    data = preflight(cfg).datasets["val_cfg.bank"]
    assert 2 * len(set(data.walks)) == len(data)

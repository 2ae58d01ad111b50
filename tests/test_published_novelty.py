"""Novelty: distances against SciPy, the threshold of persons, and what the movement numbers see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from mmgaitemo.apis.novelty import QUANTILE, STILL, Novelty, fit_cloud, fit_novelty, movement
from mmgaitemo.apis.odd_walks import noise_skeleton, time_shuffled
from mmgaitemo.datasets.synthetic_walks import synthetic_walks


def points(count: int, width: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes of correlated points."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    mixing = np.random.default_rng(9).normal(0, 1, (width, width))
    values = rng.normal(0, 1, (count, width)) @ mixing + 4 * np.eye(3, width)[labels]
    return torch.from_numpy(values).float(), torch.from_numpy(labels)


def walks_as_inputs(count: int = 40) -> torch.Tensor:
    """(N, 3, 48, V): synthetic walkers, repeated to one length."""
    made = [walk.positions for walk in synthetic_walks(count // 4, 1, seed=3)]
    return torch.stack([torch.from_numpy(walk[np.arange(48) % len(walk)]).permute(2, 0, 1) for walk in made])


def test_distance_is_mahalanobis_to_the_nearest_class_mean() -> None:
    (known, labels), (asked, _) = points(200), points(20, seed=1)
    x, y = known.double().numpy(), labels.numpy()
    means = np.stack([x[y == label].mean(0) for label in range(3)])
    apart = x - means[y]
    scale = apart.std(0)
    precision = LedoitWolf(assume_centered=True).fit(apart / scale).precision_
    by_hand = [min(mahalanobis(q / scale, mean / scale, precision) for mean in means) for q in asked.double().numpy()]
    np.testing.assert_allclose(fit_cloud(known, labels).distance(asked), by_hand, rtol=1e-4)


def test_distance_does_not_depend_on_the_unit_of_a_feature() -> None:
    (known, labels), (asked, _) = points(200), points(20, seed=1)
    units = torch.tensor([1e-3, 1, 10, 1e3, 5, 0.2])
    there = fit_cloud(known * units, labels).distance(asked * units)
    torch.testing.assert_close(there, fit_cloud(known, labels).distance(asked), rtol=1e-3, atol=1e-3)


def test_unlabelled_points_do_not_count() -> None:
    known, labels = points(100)
    more, without = torch.cat([known, 50 + known]), torch.cat([labels, torch.full((100,), -1)])
    assert torch.equal(fit_cloud(more, without).whitening, fit_cloud(known, labels).whitening)


def test_movement_is_of_the_joints_and_not_of_the_place() -> None:
    walks = walks_as_inputs()
    torch.testing.assert_close(movement(walks + 0.5), movement(walks), rtol=1e-3, atol=1e-3)
    still = walks[:, :, :1].expand_as(walks)
    torch.testing.assert_close(movement(still), torch.full((len(walks), 3), float(np.log(STILL))))
    first = np.linalg.norm(np.diff(walks[0].numpy(), axis=1), axis=0).mean()
    assert movement(walks)[0, 0] == pytest.approx(np.log(first + STILL), rel=1e-5)


def fitted(held: int = 200, persons: int = 20, scale: float = 1.0) -> tuple[Novelty, float | None, torch.Tensor]:
    (known, labels), (asked, _) = points(400), points(held, seed=1)
    inputs = walks_as_inputs().repeat(10, 1, 1, 1)
    held_inputs = inputs[:held]
    names = [f"person{number % persons}" for number in range(held)]
    novelty, share = fit_novelty(known, inputs, labels, scale * asked, held_inputs, names)
    return novelty, share, novelty.distance(scale * asked, held_inputs)


def test_threshold_is_the_quantile_of_held_out_walks() -> None:
    novelty, share, distances = fitted()
    beyond = float((distances > novelty.threshold + 1e-4).float().mean())
    assert beyond <= 1 - QUANTILE + 1e-6
    assert float((distances >= novelty.threshold - 1e-4).float().mean()) > 1 - QUANTILE - 0.01
    assert novelty.threshold >= 1 - 1e-4, "the larger of two distances that both end at 1"
    assert share is not None and 0.01 < share < 0.12


def test_each_person_counts_the_same() -> None:
    (known, labels), (asked, _) = points(400), points(60, seed=1)
    inputs = walks_as_inputs().repeat(10, 1, 1, 1)
    names = [f"person{number % 20}" for number in range(60)]
    once, _ = fit_novelty(known, inputs, labels, asked, inputs[:60], names)
    own = [number for number in range(60) if number % 20 == 3]
    often = list(range(60)) + own * 30
    many, _ = fit_novelty(known, inputs, labels, asked[often], inputs[:60][often], [names[number] for number in often])
    assert many.threshold == pytest.approx(once.threshold)


def test_one_person_tells_no_share() -> None:
    assert fitted(held=40, persons=1)[1] is None


def test_one_of_the_two_distances_is_enough() -> None:
    novelty, _, _ = fitted()
    features, inputs = novelty.encoder.means[:1].repeat(3, 1), walks_as_inputs()[:3]
    assert (novelty.distance(features, inputs) < novelty.threshold).all()
    assert (novelty.distance(features + 100, inputs) > 3 * novelty.threshold).all()
    assert (novelty.distance(features, inputs[:, :, torch.randperm(48)]) > 3 * novelty.threshold).all()


def test_shuffled_frames_and_noise_are_far_by_movement_alone() -> None:
    walks = walks_as_inputs(160)
    cloud = fit_cloud(movement(walks[:80]), torch.zeros(80, dtype=torch.int64))
    rng = np.random.default_rng(0)
    farthest = cloud.distance(movement(walks[80:])).max()
    for spoil in (time_shuffled, noise_skeleton):
        spoilt = [torch.from_numpy(spoil(walk.permute(1, 2, 0).numpy(), rng)) for walk in walks[80:]]
        assert cloud.distance(movement(torch.stack(spoilt).permute(0, 3, 1, 2).float())).min() > farthest


def test_what_is_stored_is_what_comes_back() -> None:
    novelty, _, _ = fitted()
    again = Novelty.from_dict(novelty.as_dict())
    asked, inputs = points(20, seed=2)[0], walks_as_inputs()[:20]
    assert torch.equal(again.distance(asked, inputs), novelty.distance(asked, inputs))
    assert (again.threshold, again.quantile) == (novelty.threshold, novelty.quantile)

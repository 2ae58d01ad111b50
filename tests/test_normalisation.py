"""How a walk was recorded does not reach the network: heading, place, unit, axes, rate, gaps; but left and right do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from puppet import puppet, turned

from mmgaitemo.archive import UNITS, UP_AXES
from mmgaitemo.datasets import SyntheticGait, build_pipeline
from mmgaitemo.datasets.pipelines import (
    AlignHeading,
    BodyScale,
    CentreRoot,
    ExchangeSides,
    RepairGaps,
    ResampleRate,
    TileCyclic,
    ToMetres,
    Upright,
    WholeCycles,
)
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.motion.cycles import find_cycles
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25, Skeleton

Z_UP = replace(EGAIT16, name="z_up", up=2)
SIDEWAYS_Z = replace(EGAIT16, name="sideways_z", lateral=2)
LAYOUTS = pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17, Z_UP, SIDEWAYS_Z], ids=lambda s: s.name)
STEPS = dict(
    gaps=dict(type="RepairGaps", max_gap=10),
    rate=dict(type="ResampleRate", rate=30),
    up=dict(type="Upright"),
    metres=dict(type="ToMetres"),
    way=dict(type="AlignHeading", by="travel"),
    cycles=dict(type="WholeCycles", count=1),
    time=dict(type="TileCyclic", length=48),
    root=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    hips=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)


def recipe_of(*names: str) -> dict:
    return dict(order=names, **{name: STEPS[name] for name in names})


BY_HIPS = recipe_of("gaps", "rate", "up", "cycles", "time", "root", "scale", "hips", "pack")
BY_TRAVEL = recipe_of("gaps", "rate", "up", "way", "cycles", "time", "root", "scale", "pack")
HEADINGS = pytest.mark.parametrize("recipe", [BY_HIPS, BY_TRAVEL], ids=["hips", "travel"])
METRES = {unit: metres for unit, metres in UNITS.items() if metres is not None}


def record(positions: np.ndarray, skeleton: Skeleton, up: str | None = None, **known) -> dict:
    up = "xyz"[skeleton.up] if up is None else up
    return {"id": "w", "positions": positions, "skeleton": skeleton, "rate": 30.0, "unit": "m", "up": up} | known


def recorded_with(up: str, positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """The same walk in a room whose axis ``up`` points up: one turn that carries the old up axis there."""
    old, new = np.eye(3)[skeleton.up], np.eye(3)["xyz".index(up[-1])] * (-1 if up[0] == "-" else 1)
    if np.allclose(old, new):
        return positions
    if np.allclose(old, -new):
        return turned(positions, np.roll(old, 1), np.pi)
    return turned(positions, np.cross(old, new), np.pi / 2)


def inputs(recipe: dict, results: dict) -> torch.Tensor:
    return build_pipeline(recipe)(results)["inputs"]


# Nothing of the recording


@LAYOUTS
@HEADINGS
@pytest.mark.parametrize("up", UP_AXES)
def test_room_unit_place_and_heading_do_not_reach_the_network(skeleton, recipe, up):
    walk = puppet(skeleton, frames=130, speed=0.04, limp=0.3)
    here = inputs(recipe, record(walk, skeleton))
    assert here.shape == (3, 48, skeleton.num_joints)
    assert 0.5 < here.abs().max() < 10
    rng = np.random.default_rng(UP_AXES.index(up))
    for unit, metres in METRES.items():
        there = turned(walk, np.eye(3)[skeleton.up], rng.uniform(0, 2 * np.pi)) + rng.normal(0, 20, 3)
        there = recorded_with(up, there, skeleton) / metres
        assert (inputs(recipe, record(there, skeleton, up, unit=unit)) - here).abs().max() < 1e-4


@LAYOUTS
@HEADINGS
def test_a_mirrored_walk_is_another_walk(skeleton, recipe):
    walk = puppet(skeleton, frames=130, speed=0.04, limp=0.3)
    flip = np.ones(3)
    flip[skeleton.lateral] = -1
    mirrored = walk[:, skeleton.mirror] * flip
    for same_joints in (mirrored, walk * flip):
        difference = inputs(recipe, record(same_joints, skeleton)) - inputs(recipe, record(walk, skeleton))
        assert difference.abs().max() > 0.05


@HEADINGS
def test_what_a_person_does_differently_reaches_the_network(recipe):
    walk = record(puppet(EGAIT16, frames=130, speed=0.04), EGAIT16)
    for change in (dict(limp=0.5), dict(seed=1), dict(period=40)):
        other = record(puppet(EGAIT16, **{"frames": 130, "speed": 0.04, **change}), EGAIT16)
        assert (inputs(recipe, other) - inputs(recipe, walk)).abs().max() > 0.05


def test_a_faster_camera_records_the_same_walk():
    slow = record(puppet(EGAIT16, frames=130, period=34, speed=0.04), EGAIT16)
    fast = record(puppet(EGAIT16, frames=517, period=136, speed=0.01), EGAIT16, rate=120.0)
    difference = inputs(BY_HIPS, fast) - inputs(BY_HIPS, slow)
    assert difference.abs().max() < 0.02


def test_a_short_gap_hardly_shows():
    walk = puppet(EGAIT16, frames=130, speed=0.04)
    broken = walk.copy()
    broken[60:64, 5] = np.nan
    difference = inputs(BY_HIPS, record(broken, EGAIT16)) - inputs(BY_HIPS, record(walk, EGAIT16))
    assert difference.abs().max() < 0.02


def test_synthetic_walks_go_through_the_whole_pipeline():
    recipe = BY_HIPS | dict(gaps=None)
    dataset = SyntheticGait(num_persons=2, takes=1, split="all", num_folds=2, pipeline=recipe)
    assert dataset.inputs.shape == (8, 3, 48, 16)


# What each step says and leaves


def test_steps_keep_the_record_true():
    walk = record(puppet(EGAIT16, frames=150), EGAIT16, rate=120.0, unit="cm", up="z")
    done = build_pipeline(recipe_of("rate", "up", "metres"))(walk)
    assert (done["rate"], done["up"], done["unit"]) == (30.0, "y", "m")
    assert BodyScale()(done)["unit"] == "body"
    assert (walk["rate"], walk["up"], walk["unit"]) == (120.0, "z", "cm")


@pytest.mark.parametrize(("unit", "metres"), METRES.items())
def test_to_metres(unit, metres):
    walk = puppet(EGAIT16)
    assert np.allclose(ToMetres()(record(walk / metres, EGAIT16, unit=unit))["positions"], walk)


def test_resampling_keeps_the_duration_and_an_equal_rate_changes_nothing():
    walk = record(puppet(EGAIT16, frames=100), EGAIT16)
    assert ResampleRate(30)(walk)["positions"] is walk["positions"]
    for rate in (25, 29.97, 60):
        done = ResampleRate(rate)(walk)
        assert (len(done["positions"]) - 1) / rate == pytest.approx(99 / 30, abs=1 / rate)
        assert done["rate"] == rate


@pytest.mark.parametrize(
    ("step", "known", "words"),
    [
        (ResampleRate(30), dict(rate=None), ["ResampleRate", "rate", "not known", "features="]),
        (Upright(), dict(up=None), ["Upright", "up", "not known"]),
        (Upright(), dict(up="north"), ["'north'", "-y"]),
        (WholeCycles(1), dict(up=None), ["WholeCycles", "up"]),
        (ToMetres(), dict(unit=None), ["ToMetres", "unit", "not known"]),
        (ToMetres(), dict(unit="pixel"), ["ToMetres", "'pixel'", "BodyScale"]),
        (ToMetres(), dict(unit="body"), ["'body'", "before it"]),
        (ToMetres(), dict(unit="ell"), ["'ell'"]),
    ],
)
def test_what_is_not_known_is_asked_for(step, known, words):
    absent = {key: value for key, value in (record(puppet(EGAIT16), EGAIT16) | known).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        step(absent)
    assert all(word in str(caught.value) for word in ["sample 'w'", *words]), caught.value


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RepairGaps(-1), "RepairGaps.max_gap"),
        (lambda: RepairGaps(2.5), "RepairGaps.max_gap"),
        (lambda: ResampleRate(0), "ResampleRate.rate"),
        (lambda: ResampleRate("30"), "ResampleRate.rate"),
        (lambda: ResampleRate(float("inf")), "ResampleRate.rate"),
        (lambda: WholeCycles(0), "WholeCycles.count"),
        (lambda: WholeCycles(True), "WholeCycles.count"),
        (lambda: AlignHeading(by="nose"), "AlignHeading.by.*'hips' or 'travel'"),
    ],
)
def test_impossible_arguments_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


# Heading from travel


@LAYOUTS
def test_by_travel_the_body_faces_its_way(skeleton):
    walk = turned(puppet(skeleton, speed=0.03), np.eye(3)[skeleton.up], 2.0)
    walk[:, list(skeleton.hips)] = walk[:, list(skeleton.hips)[::-1]]  # a sensor that takes left for right
    done = AlignHeading(by="travel")(record(walk, skeleton))["positions"]
    way = done[-1, skeleton.root] - done[0, skeleton.root]
    facing = np.cross(-np.eye(3)[skeleton.lateral], np.eye(3)[skeleton.up])
    assert way @ facing > 0.99 * np.linalg.norm(way)
    by_hips = AlignHeading(by="hips")(record(walk, skeleton))["positions"]
    assert (by_hips[-1, skeleton.root] - by_hips[0, skeleton.root]) @ facing < 0


def test_both_headings_agree_on_a_straight_walk():
    walk = record(turned(puppet(EGAIT16, frames=170, speed=0.04), np.array([0, 1.0, 0]), 1.0), EGAIT16)
    by_hips, by_travel = (AlignHeading(by=by)(walk)["positions"] for by in ("hips", "travel"))
    assert np.abs(CentreRoot()(walk | {"positions": by_hips - by_travel})["positions"]).max() < 0.15


@pytest.mark.parametrize(
    "walk",
    [
        puppet(EGAIT16),
        CentreRoot()(record(puppet(EGAIT16, speed=0.04), EGAIT16))["positions"],
        np.concatenate([puppet(EGAIT16, speed=0.04), puppet(EGAIT16, speed=0.04)[::-1]]),
        puppet(EGAIT16, speed=0.04)[:5],
        puppet(EGAIT16)[:1] + 30.0,
    ],
    ids=["treadmill", "centred", "there and back", "too short", "one frame"],
)
def test_without_a_way_there_is_no_heading_by_travel(walk):
    with pytest.raises(DataError, match=r"sample 'w'.*CentreRoot.*treadmill.*by='hips'"):
        AlignHeading(by="travel")(record(walk, EGAIT16))


# Whole cycles


@pytest.mark.parametrize("count", [1, 2, 3])
def test_whole_cycles_are_a_piece_of_the_walk_that_repeats_without_a_jump(count):
    walk = puppet(EGAIT16, frames=190, period=34.4, speed=0.04)
    done = WholeCycles(count)(record(walk, EGAIT16))
    piece = done["positions"]
    assert done["cycles"] == count
    assert len(piece) == pytest.approx(34.4 * count, abs=1)
    first = int(np.flatnonzero((walk == piece[0]).all(axis=(1, 2)))[0])
    assert np.array_equal(piece, walk[first : first + len(piece)])
    tiled = CentreRoot()(TileCyclic(3 * len(piece))(CentreRoot()(done)))["positions"]
    steps = np.abs(np.diff(tiled, axis=0)).max(axis=(1, 2))
    inside = steps[: len(piece) - 1]
    assert steps[len(piece) - 1] < 1.6 * inside.max()  # a frame, and at most half a frame of rounding


def test_the_steadiest_cycles_are_taken():
    """A stumble in the second and third of five cycles: the run of two is cut from the others."""
    walk = puppet(EGAIT16, frames=170 + 20, period=34)
    walk[50:95, 4:10] += 0.3 * np.hanning(45)[:, None, None]
    starts = find_cycles(walk, EGAIT16, "y").starts
    piece = WholeCycles(1)(record(walk, EGAIT16))["positions"]
    first = int(np.flatnonzero((walk == piece[0]).all(axis=(1, 2)))[0])
    assert first in starts
    assert first >= 90 or first + len(piece) <= 55


def test_fewer_cycles_than_asked_for_are_all_taken():
    walk = puppet(EGAIT16, frames=90, period=34)
    done = WholeCycles(5)(record(walk, EGAIT16))
    assert done["cycles"] == len(find_cycles(walk, EGAIT16, "y").starts) - 1 == 2


def test_a_walk_without_cycles_stays_whole():
    single = puppet(EGAIT16, frames=34)
    done = WholeCycles(1)(record(single, EGAIT16))
    assert done["cycles"] == 0
    assert np.array_equal(done["positions"], single)


def test_exchanged_sides_are_put_right_and_others_left_alone():
    order = list(EGAIT16.mirror)
    for walk in (entry.positions for entry in synthetic_walks(5, 1, seed=0)):
        for positions, exchanged in ((walk, False), (walk[:, order], True), (walk * [-1, 1, 1], True)):
            done = ExchangeSides()(record(positions, EGAIT16))
            assert done["exchanged"] is exchanged
            assert np.array_equal(done["positions"], positions[:, order] if exchanged else positions)
            assert not ExchangeSides()(done)["exchanged"]


def test_straight_knees_say_nothing_about_sides():
    walk = synthetic_walks(1, 1, seed=0)[0].positions.copy()
    for hip, knee, ankle in ((10, 11, 12), (13, 14, 15)):
        walk[:, knee] = (walk[:, hip] + walk[:, ankle]) / 2
    assert not ExchangeSides()(record(walk, EGAIT16))["exchanged"]
    assert not ExchangeSides()(record(walk[:, list(EGAIT16.mirror)], EGAIT16))["exchanged"]

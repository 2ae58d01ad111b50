"""The checks of a data set: planted faults are found, and walkers without a fault pass, in every layout."""

from __future__ import annotations

import csv
import os
from itertools import groupby
from pathlib import Path

import h5py
import numpy as np
import pytest
from planted import FAULTS, LAYOUTS, Walks, check, ids, travelling, walkers
from scipy.signal import resample

from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.inspection import CHECKS, NOTE, PROBLEM
from mmgaitemo.inspection.bones import drift
from mmgaitemo.inspection.feet import slide
from mmgaitemo.inspection.flips import exchanges
from mmgaitemo.inspection.frozen import longest_runs
from mmgaitemo.inspection.jumps import departures
from mmgaitemo.inspection.mirrored import knee_offset
from mmgaitemo.inspection.similarity import distance, normalised
from mmgaitemo.skeleton import COCO17, EGAIT16, KINECT25

DATA = Path(__file__).resolve().parents[1] / os.environ.get("MMGAITEMO_DATA", "../shared/data") / "egait_own"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_walkers_without_a_fault_pass_every_check(layout: str) -> None:
    source = walkers(layout, persons=20)
    for name in CHECKS:
        result = check(name, source)
        assert not ids(result), (name, result.findings[:3])
        assert result.looked_at + sum(result.inapplicable.values()) == len(source)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_in_every_layout(fault: str, layout: str) -> None:
    name, plant = FAULTS[fault]
    source = walkers(layout)
    planted = source.rows[::4]
    for number in range(0, len(source), 4):
        id, person, positions = source.rows[number]
        source.rows[number] = (id, person, plant(positions, source.skeleton))
    result = check(name, source)
    if layout == "image" and name in ("mirrored", "bones", "proportions"):
        assert result.inapplicable == {"two-dimensional": len(source)} and not result.findings
    else:
        assert ids(result) == {id for id, _, _ in planted}, result.findings[:3]


def test_measures_do_not_depend_on_place_size_and_heading_and_a_mirror_turns_the_knees_round() -> None:
    angle = 2.0
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    for walk in synthetic_walks(2, 1, seed=4):
        original = Walks([("a", "p", travelling(walk.positions))], EGAIT16).walk(0)
        moved = Walks([("a", "p", original.positions @ turn * 7 + [3, 5, -2])], EGAIT16).walk(0)
        reflected = Walks([("a", "p", original.positions * [1, 1, -1])], EGAIT16).walk(0)
        for measure in (knee_offset, slide, drift, departures, normalised):
            assert np.allclose(measure(moved), measure(original), atol=1e-6), measure
        assert knee_offset(reflected) == pytest.approx(-knee_offset(original), abs=1e-9)
        assert knee_offset(original) > 0.05


def test_the_way_of_a_straight_legged_walk_says_whether_it_is_mirrored() -> None:
    def straight(positions: np.ndarray) -> np.ndarray:
        legs = positions.copy()
        for side in ("left", "right"):
            hip, knee, foot = (EGAIT16.joints.index(f"{side}_{part}") for part in ("hip", "knee", "foot"))
            legs[:, knee] = (legs[:, hip] + legs[:, foot]) / 2
        return legs

    walk = straight(synthetic_walks(1, 1, seed=0)[0].positions)
    on_ground = travelling(walk)
    rows = [("in place", "p", walk), ("forwards", "p", on_ground), ("mirrored", "p", on_ground * [-1, 1, 1])]
    result = check("mirrored", Walks(rows, EGAIT16))
    assert ids(result) == {"mirrored"} and sum(result.inapplicable.values()) == 1
    backwards = travelling(synthetic_walks(1, 1, seed=0)[0].positions, speed=-1.0)
    assert ids(check("mirrored", Walks([("back", "p", backwards)], EGAIT16)), NOTE) == {"back"}


def test_feet_that_slide_with_the_body_are_found_and_walks_in_place_are_not_judged() -> None:
    walks = [walk.positions for walk in synthetic_walks(6, 1, seed=5)]
    for speed, faulty in ((1.0, False), (2.0, True), (0.5, True)):
        rows = [(str(number), "p", travelling(walk, speed)) for number, walk in enumerate(walks)]
        assert len(ids(check("skate", Walks(rows, EGAIT16)))) == faulty * len(rows), speed
    in_place = check("skate", Walks([(str(n), "p", walk) for n, walk in enumerate(walks)], EGAIT16))
    assert in_place.looked_at == 0 and not in_place.findings


def test_legs_that_cross_in_a_picture_are_no_exchange() -> None:
    """Two points that run through each other on a line, faster than their distance."""
    frames = np.arange(20.0)
    positions = np.zeros((20, 17, 3)) + np.linspace(0, 3, 17)[:, None] * [0, 1, 0]
    left, right = COCO17.joints.index("left_ankle"), COCO17.joints.index("right_ankle")
    positions[:, left, 0], positions[:, right, 0] = 0.7 * (frames - 9.5), -0.7 * (frames - 9.5)
    positions[:, [left, right], 1] = 0
    for part in (positions, positions[:11], positions[9:]):  # the crossing inside, at the end, at the start
        assert exchanges(Walks([("a", "p", part)], COCO17).walk(0)) == []
    swapped = positions.copy()
    swapped[4:, [left, right]] = positions[4:, [right, left]]
    pair = COCO17.pairs.index((left, right))
    assert exchanges(Walks([("a", "p", swapped)], COCO17).walk(0)) == [(4, pair)]


def test_drift_and_runs_agree_with_plain_loops() -> None:
    walk = walkers("kinect25", 1).walk(0)
    trunk = np.median([np.linalg.norm(frame[20] - frame[0]) for frame in walk.positions])
    for bone, (child, parent) in enumerate(KINECT25.edges):
        lengths = sorted(float(np.linalg.norm(frame[child] - frame[parent])) for frame in walk.positions)
        low, middle, high = (np.quantile(lengths, share) for share in (0.1, 0.5, 0.9))
        assert drift(walk)[bone] == pytest.approx((high - low) / max(middle, trunk / 2))
    still = np.random.default_rng(0).random((40, 5)) < 0.7
    runs = [max((len(list(run)) for same, run in groupby(column) if same), default=0) for column in still.T]
    assert longest_runs(still).tolist() == runs


def test_the_distance_is_that_of_the_best_shift() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(17, 6)).astype(np.float32), rng.normal(size=(30, 6)).astype(np.float32)
    other[11:25] = one[3:]
    best = min(
        (np.sqrt(np.mean([np.sum((one[t] - other[t + lag]) ** 2) for t in range(17) if 0 <= t + lag < 30])), lag)
        for lag in range(-8, 22)
    )
    for value, lag in (distance(one, other), tuple(np.array([1, -1]) * distance(other, one))):
        assert (value, lag) == (pytest.approx(best[0], abs=1e-3), best[1])


def copies(positions: np.ndarray, kind: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])
    return {
        "exact": positions,
        "noisy": positions + rng.normal(0, 0.006, positions.shape),
        "turned, scaled, moved": positions @ turn * 3 + [4, 5, 6],
        "cut": positions[4:],
    }[kind]


@pytest.mark.parametrize("kind", ["exact", "noisy", "turned, scaled, moved", "cut"])
def test_copies_are_found_under_another_person_and_across_a_split(kind: str) -> None:
    rows = [(f"train/{id}", person, positions) for id, person, positions in walkers("egait16", 10).rows]
    theirs = [row for row in rows if row[1] == "person003"]
    for side, person, severity in (
        ("train", "stranger", PROBLEM),
        ("test", "person003", PROBLEM),
        ("train", "person003", PROBLEM if kind == "exact" else NOTE),
    ):
        copied = [(f"{side}/copy {n}", person, copies(walk, kind)) for n, (_, _, walk) in enumerate(theirs)]
        result = check("duplicates", Walks(rows + copied, EGAIT16))
        found = {finding.id: finding for finding in result.findings if finding.severity == severity}
        assert {id for id, _, _ in copied} <= set(found)
        for (id, _, _), (original, _, _) in zip(copied, theirs, strict=True):
            assert f" {original}:" in found[id].detail
        assert (person == "stranger") == any("one person?" in finding.detail for finding in result.findings)


def test_a_fixed_root_and_a_standing_foot_are_not_frozen() -> None:
    walk = synthetic_walks(1, 1, seed=0)[0].positions.astype(float)
    fixed = walk - walk[:, :1]
    hips = list(EGAIT16.hips)
    fixed[:, hips] = fixed[0, hips]  # a rigid pelvis that never turns
    fixed[5:22, EGAIT16.joints.index("left_foot")] = fixed[5, EGAIT16.joints.index("left_foot")]
    assert not check("frozen", Walks([("a", "p", fixed)], EGAIT16)).findings
    repeated = np.insert(fixed, 4, fixed[4], axis=0)
    assert ids(check("frozen", Walks([("a", "p", repeated)], EGAIT16)), NOTE) == {"a"}


def test_the_rate_counts() -> None:
    walk = synthetic_walks(1, 1, seed=0)[0].positions.astype(float)
    smooth = resample(walk, 8 * len(walk), axis=0)  # 240 Hz
    held = np.concatenate([smooth[:9], np.repeat(smooth[9:10], 5, axis=0), smooth[9:]])
    for rate, severity in ((30.0, PROBLEM), (240.0, NOTE)):
        assert ids(check("frozen", Walks([("a", "p", held)], EGAIT16, rate)), severity) == {"a"}
    jump = walk.copy()
    jump[9, 6, 0] += 0.4
    for rate, found in ((30.0, {"a"}), (10.0, set())):
        assert ids(check("jumps", Walks([("a", "p", jump)], EGAIT16, rate))) == found
    hurried = np.tile(walk, (4, 1, 1))[::7]  # a cycle in five frames, as after a resampling to a fixed length
    assert departures(Walks([("a", "p", hurried)], EGAIT16).walk(0)).max() > 0.5
    assert not ids(check("jumps", Walks([("a", "p", hurried)], EGAIT16, None)))


def test_a_bone_that_stands_out_of_a_good_data_set_is_found_and_the_worst_comes_first() -> None:
    rigid = [np.tile(walk.positions[:1], (30, 1, 1)).astype(float) for walk in synthetic_walks(10, 1, seed=0)]
    shank = EGAIT16.joints.index("left_knee"), EGAIT16.joints.index("left_foot")
    for number, part in ((0, 0.15), (1, 0.25), (2, 0.3), (3, 0.28)):
        walk = rigid[number]
        walk[:15, shank[1]] += part * (walk[:15, shank[1]] - walk[:15, shank[0]])
    result = check("bones", Walks([(str(n), "p", walk) for n, walk in enumerate(rigid)], EGAIT16))
    assert [finding.id for finding in result.worst_first()] == ["2", "3", "1"]


def test_a_body_without_size_is_found_and_stops_no_other_check() -> None:
    rows = [(row[0], row[1], row[2] * (number > 0)) for number, row in enumerate(walkers("egait16").rows)]
    rows[1] = (*rows[1][:2], rows[1][2][:2])  # and the shortest walk there can be
    source = Walks(rows, EGAIT16)
    assert {name for name in CHECKS if ids(check(name, source))} == {"bones"}
    assert ids(check("bones", source)) == {rows[0][0]}


def test_persons_and_classes_and_lengths() -> None:
    walk = synthetic_walks(1, 1, seed=0)[0].positions
    source = Walks([("train/a", "x", walk), ("train/b", "y", walk), ("test/c", "y", walk[:9])], EGAIT16)
    assert ids(check("persons", source)) == {"y"}
    assert ids(check("labels", source), NOTE) == {"test/c", "(unlabelled)", "(persons)"}


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no E-Gait files in {DATA}: set MMGAITEMO_DATA")
def test_e_gait_has_122_gaits_with_left_and_right_exchanged_and_one_recorded_under_two_names() -> None:
    with h5py.File(DATA / "features.h5") as file, (DATA / "folds.csv").open() as folds:
        rows = [(row["key"], row["group"], file[row["key"]][()].reshape(-1, 16, 3)) for row in csv.DictReader(folds)]
    source = Walks(rows, EGAIT16, rate=None)
    exchanged = ids(check("mirrored", source))
    assert len(exchanged) == 122 and {group.partition(":")[0] for id, group, _ in rows if id in exchanged} == {
        "?", "CMU", "SIG", "UNC_RGB", "trip"
    }  # fmt: skip
    source.rows = [(id, g, walk[:, list(EGAIT16.mirror)] if id in exchanged else walk) for id, g, walk in rows]
    assert not ids(check("mirrored", source))
    (twin,) = check("duplicates", source).findings
    assert twin.severity == NOTE and {twin.id[:8], twin.detail.split()[1][:8]} == {"din_walk", "dun_walk"}
    for name in ("flips", "frozen", "jumps", "upright", "proportions"):
        assert not ids(check(name, source)), name

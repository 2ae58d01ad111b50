"""Synthetic walkers: anatomy, conventions, moods, persons, and how hard the task is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmgaitemo.datasets import synthetic_walks as synthetic
from mmgaitemo.datasets.synthetic_walks import DRIFT, MOODS, clean_walk, draw_person, synthetic_walks
from mmgaitemo.datasets.walker import build_body, normal_gait, pose, turn
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import COCO17, EGAIT16

JOINT = {name: index for index, name in enumerate(EGAIT16.joints)}
PERSONS, TAKES = 60, 3


@pytest.fixture(scope="module")
def population():
    return synthetic_walks(PERSONS, TAKES, seed=0)


@pytest.fixture(scope="module")
def clean():
    """(person, mood) -> noiseless walk, each person drawn with a seed of their own."""
    return {
        (number, mood): clean_walk(draw_person(np.random.default_rng(number)), mood, np.random.default_rng([number, 1]))
        for number in range(40)
        for mood in MOODS
    }


@pytest.fixture(scope="module")
def normal():
    """The average body in normal walking; the left heel strikes at frame 0."""
    return pose(build_body(1.7), normal_gait(), 2 * np.pi * np.arange(36) / 36)


def segment(walk, start, end):
    return walk[:, JOINT[end]] - walk[:, JOINT[start]]


def bend(walk, upper, middle, lower):
    """Signed flexion in degrees, (T,): positive where the lower bone is behind the line of the upper one (knees)."""
    first, second = segment(walk, upper, middle), segment(walk, middle, lower)
    pitch = [np.degrees(np.arctan2(-bone[:, 2], -bone[:, 1])) for bone in (first, second)]  # forward is -z
    return pitch[0] - pitch[1]


def lean(walk, lower, upper):
    """Forward pitch of a bone that points up, degrees, (T,)."""
    bone = segment(walk, lower, upper)
    return np.degrees(np.arctan2(-bone[:, 2], bone[:, 1]))


def per_mood(clean, measure):
    return {mood: np.mean([measure(walk) for (_, m), walk in clean.items() if m == mood]) for mood in MOODS}


def reach(walk, joint, axis):
    """Range of a joint seen from the root, metres."""
    return np.ptp(walk[:, JOINT[joint], axis] - walk[:, JOINT["root"], axis])


def test_turn_is_roll_then_pitch_then_yaw():
    rng = np.random.default_rng(0)
    bones, angles = rng.normal(size=(2, 3)), rng.normal(size=(3, 5, 2))
    turned = turn(bones, *angles)
    for frame in range(5):
        for joint in range(2):
            p, y, r = angles[:, frame, joint]
            about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
            about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
            about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
            np.testing.assert_allclose(turned[frame, joint], about_y @ about_x @ about_z @ bones[joint], atol=1e-12)


def test_normal_walk_is_its_own_mirror_image_half_a_cycle_later(normal):
    mirrored = np.roll(normal, 18, axis=0)[:, EGAIT16.mirror] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored, normal, atol=1e-9)


def test_bones_keep_their_length_and_fit_the_body(clean):
    for (number, _), walk in clean.items():
        bones = draw_person(np.random.default_rng(number)).body.bones
        for child, parent in EGAIT16.edges:
            length = np.linalg.norm(walk[:, child] - walk[:, parent], axis=-1)
            np.testing.assert_allclose(length, np.linalg.norm(bones[child]), atol=1e-12)


def test_proportions_are_human(normal):
    limbs = (("hip", "knee"), ("knee", "foot"), ("shoulder", "elbow"), ("elbow", "hand"))
    thigh, shank, upper, fore = (np.linalg.norm(segment(normal, f"left_{a}", f"left_{b}")[0]) for a, b in limbs)
    assert 0.95 < thigh / shank < 1.1
    assert 1.05 < upper / fore < 1.3
    assert 0.6 < (upper + fore) / (thigh + shank) < 0.75
    assert 1.5 < normal[:, JOINT["head"], 1].mean() < 1.7  # the middle of the head of someone of 1.70 m


def test_left_is_minus_x_up_is_y(clean):
    for walk in clean.values():
        mean = walk.mean(0)
        for name in ("shoulder", "hip", "elbow", "hand", "foot"):
            assert mean[JOINT[f"left_{name}"], 0] < mean[JOINT[f"right_{name}"], 0]
        chain = [mean[JOINT[name], 1] for name in ("left_foot", "left_knee", "root", "spine", "neck", "head")]
        assert np.all(np.diff(chain) > 0)


def test_body_faces_minus_z(clean):
    """The foot in the air travels forwards behind its knee, the hand is in front of a bent elbow."""
    for walk in clean.values():
        for side in ("left", "right"):
            foot = walk[:, JOINT[f"{side}_foot"]]
            airborne = foot[:, 1] > np.quantile(foot[:, 1], 0.75)
            speed = np.roll(foot[:, 2], -1) - np.roll(foot[:, 2], 1)
            assert speed[airborne].mean() < 0 < speed[foot[:, 1] < np.median(foot[:, 1])].mean()
            assert segment(walk, f"{side}_knee", f"{side}_foot")[airborne, 2].mean() > 0
            assert bend(walk, f"{side}_shoulder", f"{side}_elbow", f"{side}_hand").mean() < 0


def test_knees_and_elbows_never_hyperextend_and_bend_as_people_do(clean):
    for walk in clean.values():
        for side in ("left", "right"):
            knee = bend(walk, f"{side}_hip", f"{side}_knee", f"{side}_foot")
            assert knee.min() > 0
            assert 40 < knee.max() < 100
            elbow = -bend(walk, f"{side}_shoulder", f"{side}_elbow", f"{side}_hand")
            assert elbow.min() > 0
            assert elbow.max() < 120


def test_feet_stay_above_the_ground_and_one_of_them_carries(clean):
    for (number, _), walk in clean.items():
        ankle = draw_person(np.random.default_rng(number)).body.ankle
        lowest = walk[:, [JOINT["left_foot"], JOINT["right_foot"]], 1].min(1)
        assert lowest.min() > ankle - 1e-9
        assert lowest.max() < ankle + 0.01


def test_stance_foot_is_carried_back_evenly_and_does_not_drift_sideways(normal):
    foot = normal[3:18, JOINT["left_foot"]]  # while the right foot is in the air
    step = np.diff(foot[:, 2])
    assert step.min() > 0
    assert step.std() < 0.25 * step.mean()
    assert np.ptp(foot[:, 0]) < 0.02


def test_arms_swing_against_the_legs_and_thorax_against_pelvis(normal):
    foot, hand = (normal[:, JOINT[f"left_{name}"], 2] for name in ("foot", "hand"))
    assert np.corrcoef(foot, hand)[0, 1] < -0.8
    hips, shoulders = segment(normal, "left_hip", "right_hip"), segment(normal, "left_shoulder", "right_shoulder")
    assert np.corrcoef(hips[:, 2], shoulders[:, 2])[0, 1] < -0.8


def test_walk_is_one_cycle_without_a_seam(clean):
    for walk in clean.values():
        steps = np.linalg.norm(np.roll(walk, -1, axis=0) - walk, axis=-1).max(1)
        assert steps[-1] <= 1.5 * steps[:-1].max()
        assert np.argmax(np.abs(np.fft.rfft(walk[:, JOINT["left_foot"], 2])[1:])) == 0


def test_moods_change_tempo_and_stride_as_published(clean):
    frames = per_mood(clean, len)
    assert frames["angry"] < frames["happy"] < frames["neutral"] < frames["sad"]
    stride = per_mood(clean, lambda walk: reach(walk, "left_foot", 2))
    assert stride["sad"] < stride["neutral"] < min(stride["happy"], stride["angry"])


def test_moods_change_arms_as_published(clean):
    swing = per_mood(clean, lambda walk: reach(walk, "left_hand", 2) + reach(walk, "right_hand", 2))
    assert swing["sad"] < 0.8 * swing["neutral"]
    assert swing["neutral"] < swing["angry"] < swing["happy"]
    elbow = per_mood(clean, lambda walk: -bend(walk, "left_shoulder", "left_elbow", "left_hand").mean())
    assert elbow["angry"] > max(elbow["happy"], elbow["sad"], elbow["neutral"]) + 4


def test_moods_change_posture_as_published(clean):
    head = per_mood(clean, lambda walk: lean(walk, "neck", "head").mean())
    trunk = per_mood(clean, lambda walk: lean(walk, "root", "neck").mean())
    assert head["sad"] > head["neutral"] + 4 > head["happy"] + 4
    assert trunk["sad"] > trunk["neutral"] + 1.5 > trunk["happy"] + 2


def test_moods_change_bob_and_sway_as_published(clean):
    bob = per_mood(clean, lambda walk: np.ptp(walk[:, JOINT["root"], 1]))
    assert bob["sad"] < bob["neutral"] < bob["happy"]
    # What the head does twice a cycle, with every step.
    bounce = per_mood(clean, lambda walk: np.abs(np.fft.rfft(lean(walk, "neck", "head")))[2] / len(walk))
    assert bounce["happy"] > 1.2 * bounce["neutral"] > 1.3 * bounce["sad"]
    sway = per_mood(clean, lambda walk: np.ptp(walk[:, JOINT["root"], 0]))
    assert sway["sad"] > 1.2 * max(sway["happy"], sway["angry"], sway["neutral"])


def test_persons_have_bodies_of_their_own():
    bodies = [draw_person(np.random.default_rng(number)).body.bones for number in range(40)]
    lengths = np.linalg.norm(bodies, axis=-1)[:, 1:]
    ratios = lengths / lengths[:, [1]]
    assert np.all(lengths.std(0) > 0.03 * lengths.mean(0))
    differences = np.abs(ratios[:, None] - ratios[None]).max(-1)
    assert differences[~np.eye(40, dtype=bool)].min() > 0.005


def test_posture_differs_more_between_persons_than_between_moods(population):
    poses = np.stack([centred(walk.positions).mean(0).ravel() for walk in population])
    poses = poses.reshape(PERSONS, len(MOODS), TAKES, -1).mean(2)
    persons, moods = (poses.mean(axis).var(0).sum() for axis in (1, 0))
    assert persons > 5 * moods


def test_population_is_complete_and_well_formed(population):
    assert MOODS == ("happy", "sad", "angry", "neutral")
    assert len(population) == PERSONS * len(MOODS) * TAKES == len({walk.id for walk in population})
    for walk in population:
        assert walk.positions.dtype == np.float32
        assert walk.positions.shape[1:] == (16, 3)
        assert 18 <= len(walk.positions) <= 75
        assert np.isfinite(walk.positions).all()
        assert walk.id.startswith(f"{walk.person}_{MOODS[walk.label]}_take")
    assert 30 < np.median([len(walk.positions) for walk in population]) < 40
    with pytest.raises(dataclasses.FrozenInstanceError):
        population[0].label = 1


def test_same_seed_same_walks_other_seed_other_walks():
    first, again, other = (synthetic_walks(2, 1, seed) for seed in (3, 3, 4))
    for one, two, three in zip(first, again, other, strict=True):
        assert one.id == two.id
        np.testing.assert_array_equal(one.positions, two.positions)
        assert one.positions.shape != three.positions.shape or not np.allclose(one.positions, three.positions)


def test_takes_of_one_body_differ_between_seeds(monkeypatch):
    person = draw_person(np.random.default_rng(0))
    monkeypatch.setattr(synthetic, "draw_person", lambda rng: person)
    first, other = (synthetic_walks(1, 1, seed)[0].positions for seed in (3, 4))
    assert first.shape != other.shape or np.abs(first - other).mean() > 0.01


def test_person_is_the_same_in_a_larger_population_and_with_more_takes():
    small = synthetic_walks(2, 1, seed=5)
    large = {walk.id: walk for walk in synthetic_walks(4, 2, seed=5)}
    for walk in small:
        np.testing.assert_array_equal(walk.positions, large[walk.id].positions)


def test_takes_differ_and_none_reuses_the_stream_that_drew_the_person(population):
    """SeedSequence pads with zeros: ``[seed, 0, 0, 0]`` would be the stream of ``[seed, 0]``."""
    person, shared = (np.random.default_rng(np.random.SeedSequence([0, 0])) for _ in range(2))
    first, second = (walk.positions for walk in population[:2])
    for other in (second, clean_walk(draw_person(person), "happy", shared)):
        assert first.shape != other.shape or np.abs(first - other).mean() > 0.03


def test_sensor_noise_is_there_and_small(population):
    def stretch(walk):
        return [np.linalg.norm(walk.positions[:, c] - walk.positions[:, p], axis=-1).std() for c, p in EGAIT16.edges]

    lengths = [stretch(walk) for walk in population]
    assert 0.002 < np.median(lengths) < 2 * DRIFT


@pytest.mark.parametrize("name, values", [("num_persons", (0, 2.0, True)), ("takes", (0, "3")), ("seed", (-1, None))])
def test_impossible_arguments_are_named(name, values):
    for value in values:
        with pytest.raises(ConfigError, match=f"{name}.*Found: {value!r}.*Remedy: an integer"):
            synthetic_walks(**{"num_persons": 2, "takes": 1, "seed": 0, name: value})


def test_other_layouts_are_refused():
    with pytest.raises(ConfigError, match=r"coco17.*Remedy.*egait16"):
        synthetic_walks(1, 1, 0, COCO17)


def centred(positions):
    """(T, V, 3) seen from the root, in units of the trunk."""
    seen = positions - positions[:, :1]
    return seen / np.linalg.norm(seen[:, 2], axis=-1).mean()


@pytest.mark.parametrize("seed", [0, 1])
def test_mean_pose_tells_little_and_dynamics_tell_much(seed):
    walks = synthetic_walks(PERSONS, TAKES, seed)
    cycles = np.stack([centred(w.positions)[np.arange(48) % len(w.positions)].reshape(48, -1) for w in walks])
    label = np.array([walk.label for walk in walks])
    held_out = np.array([int(walk.person.removeprefix("person")) % 4 == 0 for walk in walks])

    def accuracy(features):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))
        return model.fit(features[~held_out], label[~held_out]).score(features[held_out], label[held_out])

    posture = accuracy(cycles.mean(1))
    dynamics = accuracy(np.hstack([cycles.std(1), np.abs(np.diff(cycles, axis=1)).mean(1)]))
    assert 0.3 < posture < 0.7
    assert dynamics > posture + 0.15

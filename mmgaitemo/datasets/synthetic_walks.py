"""A population of synthetic walkers: persons with bodies and habits, moods that change how each of them moves.

Moods change a person's own gait in the *directions* that the literature on emotional gait reports. Every number below
is our own choice, made so that the task is neither trivial nor hopeless; none is taken from a paper.

- Montepare, Goldstein & Clausen (1987), "The identification of emotions from gait information", Journal of Nonverbal
  Behavior 11: moods differ in arm swing (little when sad), stride length and heavy-footedness (angry), and speed.
- Roether, Omlor, Christensen & Giese (2009), "Critical features for the perception of emotion from gait", Journal of
  Vision 9(6): sadness lowers the head and the speed, anger bends the elbows, happiness and anger enlarge movements.
- Michalak et al. (2009), "Embodiment of sadness and depression: gait patterns associated with dysphoric mood",
  Psychosomatic Medicine 71: slower, less arm swing, less vertical movement, more lateral sway, a slumped posture.
- Gross, Crane & Fredrickson (2012), "Effort-Shape and kinematic assessment of bodily expression of emotion during
  gait", Human Movement Science 31: joy and anger are fast, sadness is slow with a flexed neck and small movements.
- Barliya, Omlor, Giese, Berthoz & Flash (2013), "Expression of emotion in the kinematics of locomotion", Experimental
  Brain Research 225: speed and the amplitudes of the leg segments change with the emotion.
- Halovic & Kroos (2018), "Not all is noticed: Kinematic cues of emotion-specific gait", Human Movement Science 57:
  happy gaits bounce; happy and angry ones have long strides and more arm movement, angry ones the faster cadence; sad
  ones have short slow strides and little arm movement.

What a person does anyway (lean, head, arm carriage, build) varies more than what a mood adds to it: posture says much
about who walks and little about the mood. Tempo, amplitudes and their relations say the mood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmgaitemo.datasets.walker import ORDER, Body, build_body, normal_gait, pose, rows
from mmgaitemo.errors import ConfigError
from mmgaitemo.skeleton import EGAIT16, Skeleton

RATE = 30.0  # frames per second
MIN_FRAMES, MAX_FRAMES = 18, 75  # E-Gait's shortest and longest walk

WHITE_NOISE = 0.004  # m, per coordinate, joint and frame
DRIFT = 0.008  # m, per coordinate and joint: a misplaced marker and its slow wandering within the cycle
JITTER, JITTER_RATE = 0.04, 0.003  # m, and the share of joint positions that jump by about as much


@dataclass(frozen=True)
class Walk:
    """One recording.

    Args:
        id: Unique name, such as ``person007_sad_take2``.
        person: Who walks; the group that a split keeps together.
        label: Index of the mood in ``MOODS``.
        positions: (T, V, 3) float32, metres, y up, body faces -z, left is -x, no travel, 30 Hz; one gait
            cycle that starts anywhere in it, the last frame leads back to the first.
    """

    id: str
    person: str
    label: int
    positions: np.ndarray


@dataclass(frozen=True)
class Expression:
    """How a mood changes a person's own gait at average expressivity.

    Args:
        cadence: Natural logarithm of the factor on the stride frequency; as the others up to ``twist``.
        stride: Movement of thighs and knees.
        arms: Swing of the arms.
        bounce: Yield of the knees and nodding of trunk, head and shoulders, all twice a cycle.
        sway: Lateral movement of pelvis and trunk.
        twist: Turning of pelvis against thorax.
        surge: Radians of phase by which movement hurries and lingers twice a cycle: hard, heavy-footed steps.
        elbow: Added flexion, degrees.
        head: Added flexion, degrees.
        trunk: Added flexion, degrees.
    """

    cadence: float = 0.0
    stride: float = 0.0
    arms: float = 0.0
    bounce: float = 0.0
    sway: float = 0.0
    twist: float = 0.0
    surge: float = 0.0
    elbow: float = 0.0
    head: float = 0.0
    trunk: float = 0.0


_EXPRESSIONS = {
    "happy": Expression(cadence=0.07, stride=0.08, arms=0.45, bounce=0.65, twist=0.2, surge=-0.08, head=-6, trunk=-2),
    "sad": Expression(
        cadence=-0.17, stride=-0.15, arms=-0.5, bounce=-0.5, sway=0.45, twist=-0.2, surge=-0.05, head=8, trunk=3
    ),
    "angry": Expression(cadence=0.16, stride=0.12, arms=0.2, bounce=-0.1, twist=0.1, surge=0.18, elbow=9),
    "neutral": Expression(),
}
_YIELD = 0.3  # the knees' share of the bounce: their curve is large and needs little
MOODS = tuple(_EXPRESSIONS)

# Spread over persons of the mean of a curve, degrees.
_POSTURE_HABITS = {
    "trunk_pitch": 4.0,
    "trunk_yaw": 3.0,
    "trunk_roll": 1.5,
    "head_pitch": 9.0,
    "head_yaw": 5.0,
    "head_roll": 3.0,
    "thigh": 2.0,
    "knee": 3.0,
    "stance": 1.5,
    "swing": 6.0,
    "elbow": 11.0,
    "carriage": 4.0,
    "inward": 10.0,
    "shrug": 4.0,
}
# Spread over persons of the logarithm of the amplitude of a curve.
_MOVEMENT_HABITS = {"thigh": 0.06, "knee": 0.05, "swing": 0.20, "elbow": 0.25, "sway": 0.25, "trunk_yaw": 0.20}
_ARM_LAG = 0.2  # radians of phase by which arms follow legs: spread over persons
_STYLE = 0.8  # degrees: spread of the Fourier coefficients that are a person's own, of order 1; order k has a k-th


@dataclass(frozen=True)
class Person:
    """A body, its gait in no mood (see ``normal_gait``), its stride frequency in hertz and its expressivity."""

    body: Body
    gait: np.ndarray
    stride_rate: float
    expressivity: float


def synthetic_walks(num_persons: int, takes: int, seed: int, skeleton: Skeleton = EGAIT16) -> list[Walk]:
    """Walks of a population: every person in every mood, ``takes`` times.

    Person k and their takes depend on ``seed`` and k alone: a larger population contains the smaller one.

    Args:
        num_persons: At least 1.
        takes: Walks per person and mood, at least 1.
        seed: Non-negative.
        skeleton: Only ``EGAIT16`` can be generated.

    Returns:
        ``num_persons * len(MOODS) * takes`` walks, ordered by person, mood and take.

    Raises:
        ConfigError: A number is not an integer or too small, or the layout is another one.
    """
    for name, value, least in (("num_persons", num_persons, 1), ("takes", takes, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ConfigError(
                f"synthetic walks: {name}", "not a usable number", found=repr(value), remedy=f"an integer >= {least}"
            )
    if skeleton != EGAIT16:
        raise ConfigError(
            "synthetic walks: skeleton",
            "the walkers exist in one layout only",
            found=skeleton.name,
            remedy=f"use {EGAIT16.name!r}",
        )
    walks = []
    for number in range(num_persons):
        name = f"person{number:03d}"
        person = draw_person(np.random.default_rng(np.random.SeedSequence([seed, number])))
        for label, mood in enumerate(MOODS):
            for take in range(takes):
                # A spawn key, because [seed, number, 0, 0] would be the stream that drew the person.
                rng = np.random.default_rng(np.random.SeedSequence([seed, number], spawn_key=(label, take)))
                positions = _add_sensor_noise(clean_walk(person, mood, rng), rng)
                walks.append(Walk(f"{name}_{mood}_take{take}", name, label, positions.astype(np.float32)))
    return walks


def draw_person(rng: np.random.Generator) -> Person:
    """Body and habits, all independent of each other except that tall people stride slower."""
    stature = float(np.clip(rng.normal(1.70, 0.09), 1.45, 1.98))
    body = build_body(stature, *np.exp(rng.normal(0, [0.03, 0.04, 0.03, 0.10, 0.08])))
    gait = normal_gait()
    for name, degrees in _POSTURE_HABITS.items():
        gait[rows(name), 0] += np.radians(rng.normal(0, degrees))
        if len(rows(name)) == 2:
            gait[rows(name), 0] += np.radians(rng.normal(0, degrees / 3, 2))  # left and right are not quite alike
    for name, spread in _MOVEMENT_HABITS.items():
        gait[rows(name), 1:] *= np.exp(rng.normal(0, spread) + rng.normal(0, spread / 2, len(rows(name))))[:, None]
    harmonics = np.arange(1, ORDER + 1)
    arms = rows("swing") + rows("elbow")
    gait[arms, 1:] *= np.exp(1j * harmonics * rng.normal(0, _ARM_LAG))
    style = rng.normal(0, np.radians(_STYLE), (*gait[:, 1:].shape, 2)) @ (1, 1j)
    gait[:, 1:] += style / harmonics
    stride_rate = 0.83 * (stature / 1.70) ** -0.5 * np.exp(rng.normal(0, 0.05))
    return Person(body, gait, float(stride_rate), float(np.exp(rng.normal(0, 0.15))))


def clean_walk(person: Person, mood: str, rng: np.random.Generator) -> np.ndarray:
    """One noiseless take: (T, V, 3) float64, metres."""
    gait, felt = person.gait.copy(), _EXPRESSIONS[mood]
    strength = person.expressivity * np.exp(rng.normal(0, 0.1))

    def scale(names: tuple[str, ...], log_gain: float, columns: slice) -> None:
        for name in names:
            gait[rows(name), columns] *= np.exp(strength * log_gain + rng.normal(0, 0.04))

    scale(("thigh", "knee"), felt.stride, slice(1, None))
    scale(("swing", "elbow"), felt.arms, slice(1, None))
    scale(("sway", "trunk_roll"), felt.sway, slice(1, None))
    scale(("pelvis_yaw", "trunk_yaw"), felt.twist, slice(1, None))
    scale(("trunk_pitch", "head_pitch", "shrug", "carriage"), felt.bounce, slice(2, 3))
    scale(("knee",), _YIELD * felt.bounce, slice(2, 3))
    for name, degrees in (("elbow", felt.elbow), ("head_pitch", felt.head), ("trunk_pitch", felt.trunk)):
        gait[rows(name), 0] += np.radians(strength * degrees)
    for name in _POSTURE_HABITS:
        gait[rows(name), 0] += np.radians(rng.normal(0, 0.22 * _POSTURE_HABITS[name]))

    stride_rate = person.stride_rate * np.exp(strength * felt.cadence + rng.normal(0, 0.03))
    frames = int(np.clip(round(RATE / stride_rate), MIN_FRAMES, MAX_FRAMES))
    phase = rng.uniform(0, 2 * np.pi) + np.arange(frames) * 2 * np.pi / frames
    return pose(person.body, gait, phase + strength * felt.surge * np.sin(2 * phase))


def _add_sensor_noise(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    frames = len(positions)
    shape = positions.shape
    # The drift closes with the cycle, as the walk does.
    angle = rng.uniform(0, 2 * np.pi, shape[1:]) + 2 * np.pi * np.arange(frames)[:, None, None] / frames
    drift = rng.normal(0, DRIFT, shape[1:]) + rng.normal(0, DRIFT, shape[1:]) * np.cos(angle)
    jumps = rng.normal(0, JITTER, shape) * (rng.random(shape[:2]) < JITTER_RATE)[..., None]
    return positions + rng.normal(0, WHITE_NOISE, shape) + drift + jumps

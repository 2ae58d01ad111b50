"""Which joints and moments carried a decision, by expected gradients.

Erion, Janizek, Sturmfels, Lundberg & Lee, "Improving performance of deep learning models with axiomatic attribution
priors and expected gradients", Nature Machine Intelligence 3, 2021, equation 2: the integrated gradients of
Sundararajan, Taly & Yan (ICML 2017, equation 1), averaged over baselines. The gradient of a class's log-probability is
averaged on the straight way from a baseline to the walk, and multiplied by the difference of the two. What is
attributed to all joints and frames adds up to the difference between the log-probability of the walk and that of the
baselines on average, so that a joint's share and a moment's share are numbers of one kind. Occlusion, the usual
alternative, has no such sum, and asks the network about walks with missing limbs.

The baselines are ordinary walks, made-up ones of all moods, each in step with the walk in question. One that stands
still in the mean pose would not do: to stand still is sad to a network, and then all that moves speaks against sadness.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mmgaitemo.apis.inputs import Take
from mmgaitemo.apis.windows import Preparation
from mmgaitemo.datasets.synthetic_walks import RATE, synthetic_walks
from mmgaitemo.errors import DataError
from mmgaitemo.models import GaitClassifier
from mmgaitemo.skeleton import EGAIT16

PASSES = 64  # through the network for each window: 4 steps on the way from each of 16 walks
_PERSONS = 4  # of four moods each
_PHASES = 8  # at which each of their gait cycles may begin
_SPEED = 1.2  # m/s ahead: a pipeline may read the heading from the way


def ordinary_walks(prepare: Preparation) -> Tensor | None:
    """(R, P, 3, T, V) inputs of made-up walks, each beginning at P moments of its gait cycle.

    Args:
        prepare: Of the model.

    Returns:
        None where the model's layout cannot be made from that of these walks, ``egait16``.
    """
    rows = []
    try:
        for walk in synthetic_walks(_PERSONS, 1, seed=1):
            way = _SPEED / RATE * np.arange(len(walk.positions))[:, None, None] * [0.0, 0.0, -1.0]
            for phase in range(_PHASES):
                turned = np.roll(walk.positions, round(phase * len(walk.positions) / _PHASES), axis=0)
                arranged = prepare.arrange(Take(walk.id, "made up", turned + way, EGAIT16, float(RATE), "y", "m"))
                rows.append(prepare.finish(arranged, [slice(0, len(arranged.positions))]).inputs[0])
    except DataError:
        return None
    return torch.stack(rows).unflatten(0, (-1, _PHASES))


def attribute(
    model: GaitClassifier,
    inputs: Tensor,
    references: Tensor | None,
    label: int,
    temperature: float,
    batch_size: int,
) -> np.ndarray:
    """Share of every joint and frame in the log-probability of a class.

    Args:
        model: In eval mode.
        inputs: (N, C, T, V) windows, as the model's preprocessor leaves them.
        references: (R, P, C, T, V) ordinary walks, each at P phases; ``None``: the only baseline of a window is its own
            mean pose, standing still.
        label: The class.
        temperature: Of the softmax.
        batch_size: Walks in a pass.

    Returns:
        (N, T, V) float64 in nats; more than 0 speaks for the class.
    """
    result = torch.zeros_like(inputs)
    for row, walk in enumerate(inputs):
        baselines = _in_step(walk, references)
        steps = max(PASSES // len(baselines), 1)
        # The midpoint rule: its error falls with the square of the number of steps.
        places = (torch.arange(steps, device=inputs.device) + 0.5) / steps
        apart = walk - baselines
        way = (baselines[:, None] + places.view(1, -1, 1, 1, 1) * apart[:, None]).flatten(0, 1)
        gradients = torch.cat([_gradient(model, part, label, temperature) for part in way.split(batch_size)])
        result[row] = (gradients.unflatten(0, (-1, steps)).mean(1) * apart).mean(0)
    return result.sum(1).double().cpu().numpy()


def _in_step(walk: Tensor, references: Tensor | None) -> Tensor:
    """(R, C, T, V): each reference at the phase that is nearest to the walk (C, T, V)."""
    if references is None:
        return walk.mean(1, keepdim=True).expand_as(walk)[None]
    nearest = (references - walk).square().sum((2, 3, 4)).argmin(1)
    return references[torch.arange(len(references), device=walk.device), nearest]


def _gradient(model: GaitClassifier, inputs: Tensor, label: int, temperature: float) -> Tensor:
    """(N, C, T, V) of the class's log-probability."""
    with torch.enable_grad():
        inputs = inputs.detach().requires_grad_()
        # Not model(...): a classifier on a frozen encoder keeps no gradient through it.
        scores = model.head(model.backbone(inputs)).float() / temperature
        return torch.autograd.grad(scores.log_softmax(1)[:, label].sum(), inputs)[0]


def moments_of(shares: np.ndarray, clocks: np.ndarray, windows: list[slice], frames: int) -> np.ndarray:
    """Share of every frame of a recording.

    Where the pipeline shows a frame twice, as it does to fill the network's input with a short gait cycle, or where
    windows overlap, it is the mean; frames that it leaves out lie between their neighbours.

    Args:
        shares: (N, T', V) of ``attribute``.
        clocks: (N, T') frame of the recording that each frame of a window shows.
        windows: The N windows.
        frames: T of the recording.

    Returns:
        (T,) NaN outside of the windows.
    """
    total, count = np.zeros(frames), np.zeros(frames)
    for share, clock, window in zip(shares.sum(axis=2), clocks, windows, strict=True):
        shown, place = np.unique(clock.round(6), return_inverse=True)
        mean = np.bincount(place, weights=share) / np.bincount(place)
        total[window] += np.interp(np.arange(window.start, window.stop), shown, mean)
        count[window] += 1
    return np.divide(total, count, out=np.full(frames, np.nan), where=count > 0)

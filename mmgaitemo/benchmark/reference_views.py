"""Views as the public code draws them: sample by sample in NumPy, in the worker processes of a ``DataLoader``.

Written after what the feeders of AimCLR's public code do, in their shapes and types: a sample is (3, T, V, 1), the last
axis counting persons, and becomes float64 at the first product. All functions draw from ``rng``, leave the sample as
it is and keep its shape. ``AimCLRViews`` has AimCLR's own extreme view; ``SSALViews`` has that of this project's
configs, so that the way of computing can be compared on equal work.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, RandomSampler

from mmgaitemo.skeleton import FIVE_PARTS, Skeleton

Views = Callable[[np.ndarray, np.random.Generator], list[np.ndarray]]


def temporal_crop(x: np.ndarray, padding_ratio: int, rng: np.random.Generator) -> np.ndarray:
    """A window of T frames of the sample with T // padding_ratio mirrored frames at both ends."""
    length = x.shape[1]
    padding = length // padding_ratio
    padded = np.concatenate([x[:, :padding][:, ::-1], x, x[:, length - padding :][:, ::-1]], axis=1)
    start = rng.integers(0, 2 * padding + 1)
    return padded[:, start : start + length]


def shear(x: np.ndarray, amplitude: float, rng: np.random.Generator) -> np.ndarray:
    """Every joint times a matrix with a diagonal of ones and U(-amplitude, amplitude) elsewhere."""
    matrix = rng.uniform(-amplitude, amplitude, (3, 3))
    np.fill_diagonal(matrix, 1)
    return _times(matrix, x)


def _times(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.dot(x.transpose(1, 2, 3, 0), matrix.T).transpose(3, 0, 1, 2)


def upper_body_jitter(x: np.ndarray, skeleton: Skeleton, rng: np.random.Generator) -> np.ndarray:
    """The joints of the upper limbs times a matrix of U(-1, 1)."""
    limbs, out = list(skeleton.upper_limbs), x.copy()
    out[:, :, limbs] = _times(rng.uniform(-1, 1, (3, 3)), x[:, :, limbs])
    return out


def spatiotemporal_mask(x: np.ndarray, skeleton: Skeleton, rng: np.random.Generator) -> np.ndarray:
    """One or two of the five parts, and 10 to 25 per cent of the frames, set to zero."""
    out, length = x.copy(), x.shape[1]
    for part in rng.choice(FIVE_PARTS, rng.integers(1, 3), replace=False):
        out[:, :, list(skeleton.parts[str(part)])] = 0
    most = math.floor(0.25 * length)
    frames = rng.integers(min(math.ceil(0.1 * length), most), most + 1)
    out[:, rng.choice(length, frames, replace=False)] = 0
    return out


def selective_strong(x: np.ndarray, skeleton: Skeleton, rng: np.random.Generator) -> np.ndarray:
    """Jitter and mask, each with probability 1/2; if neither fires, one of them."""
    jitter, mask, either = rng.random(3) < 0.5
    if not (jitter or mask):
        jitter, mask = either, not either
    x = upper_body_jitter(x, skeleton, rng) if jitter else x
    return spatiotemporal_mask(x, skeleton, rng) if mask else x


def extreme(x: np.ndarray, skeleton: Skeleton, rng: np.random.Generator) -> np.ndarray:
    """What AimCLR adds to crop and shear: flips, rotation, noise, blur and axis mask, most with probability 1/2."""
    if rng.random() < 0.5:
        x = x[:, :, list(skeleton.mirror)]
    x = rotate(x, rng)
    if rng.random() < 0.5:
        x = x[:, list(reversed(range(x.shape[1])))]
    if rng.random() < 0.5:
        x = x + rng.normal(0, 0.01, x.shape)
    x = blur(x, rng)
    if rng.random() < 0.5:
        x = x.copy()
        x[rng.integers(0, 3)] = 0
    return x


def rotate(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Up to 30 degrees about one axis, up to 1 about the others, one product after the other."""
    main = rng.integers(0, 3)
    turned = x.copy().transpose(1, 2, 3, 0)
    for axis in range(3):
        angle = math.radians(rng.uniform(0, 30 if axis == main else 1))
        first, second = (axis + 1) % 3, (axis + 2) % 3
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = math.cos(angle)
        matrix[second, first], matrix[first, second] = math.sin(angle), -math.sin(angle)
        turned = np.matmul(turned, matrix.T)
    return turned.transpose(3, 0, 1, 2)


def blur(x: np.ndarray, rng: np.random.Generator, taps: int = 15) -> np.ndarray:
    """With probability 1/2 a Gaussian of U(0.1, 2) frames along time, the ends filled with zeros; PyTorch convolves."""
    offset = np.arange(taps) - taps // 2
    kernel = torch.from_numpy(np.exp(-(offset**2) / (2 * rng.uniform(0.1, 2.0) ** 2))).repeat(3, 1, 1, 1)
    if rng.random() >= 0.5:
        return x
    smooth = F.conv2d(torch.from_numpy(x).permute(3, 0, 2, 1), kernel, padding=(0, taps // 2), groups=3)
    return smooth.permute(1, 3, 2, 0).numpy()


class SSALViews:
    """Key, query and strong view of the project's configs: crop and shear; the strong one with SSA.

    Args:
        skeleton: Layout of the V joints.
        padding_ratio: Of the crop.
        amplitude: Of the shear.
    """

    def __init__(self, skeleton: Skeleton, padding_ratio: int = 6, amplitude: float = 0.15) -> None:
        self.skeleton, self.padding_ratio, self.amplitude = skeleton, padding_ratio, amplitude

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
        """(3, T, V, 1) to three of them."""
        key, query, base = (shear(temporal_crop(x, self.padding_ratio, rng), self.amplitude, rng) for _ in range(3))
        return [key, query, self.strong(base, rng)]

    def strong(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the strong view has in addition."""
        return selective_strong(x, self.skeleton, rng)


class AimCLRViews(SSALViews):
    """The same with AimCLR's extreme view."""

    def strong(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the extreme view has in addition."""
        return extreme(x, self.skeleton, rng)


class ReferenceViews(Dataset):
    """Walks whose item is its views: how the public code feeds a contrast.

    Args:
        walks: (N, 3, T, V) float32.
        views: Draws the views of one sample.
    """

    def __init__(self, walks: np.ndarray, views: Views) -> None:
        self.walks, self.views = walks, views
        self._rng: np.random.Generator | None = None

    def __len__(self) -> int:
        return len(self.walks)

    def __getitem__(self, index: int) -> tuple[list[np.ndarray], int]:
        """The views, each (3, T, V, 1) float64, and the index."""
        if self._rng is None:  # made in the worker, whose seed is its own
            self._rng = np.random.default_rng(torch.initial_seed())
        return self.views(np.array(self.walks[index])[..., None], self._rng), index


def received(views: list[Tensor], device: str) -> list[Tensor]:
    """What a step makes of the views of a batch: (N, 3, T, V) float32 on the device."""
    return [view.float().to(device, non_blocking=True).squeeze(-1) for view in views]


def reference_loader(dataset: ReferenceViews, batch: int, batches: int, workers: int, device: str) -> DataLoader:
    """Batches of views, drawn by worker processes ahead of their use, of walks in random order.

    Args:
        dataset: Walks and views.
        batch: Walks in a batch.
        batches: Length of the loader; walks come again as often as needed.
        workers: Processes; 0 draws in this one.
        device: For "cuda" the batches lie in pinned memory, as in the public code.
    """
    order = RandomSampler(dataset, replacement=True, num_samples=batch * batches)
    return DataLoader(dataset, batch, sampler=order, num_workers=workers, pin_memory=device.startswith("cuda"))

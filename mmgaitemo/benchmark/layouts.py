"""Made-up walks, in a config's layout or in made-up ones of any number of joints, to see how time grows with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.config import Config

from mmgaitemo.datasets import SkeletonDataset
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import DATASETS
from mmgaitemo.skeleton import FIVE_PARTS, Skeleton, register_skeleton

TRUNK = 4


def layout_of(joints: int) -> Skeleton:
    """A registered body of so many joints: a trunk of four, and four limbs, each a chain.

    Args:
        joints: A multiple of 4, at least 8.

    Raises:
        ConfigError: It is none.
    """
    limb, rest = divmod(joints - TRUNK, 4)
    if limb < 1 or rest:
        raise ConfigError("joints", "makes no body", found=joints, remedy="use a multiple of 4, at least 8")
    firsts = [TRUNK + number * limb for number in range(4)]
    limbs = [tuple(range(first, first + limb)) for first in firsts]
    roots = (2, 2, 0, 0)  # arms from the neck, legs from the root
    parents = [-1, 0, 1, 2] + [
        root if joint == first else joint - 1
        for root, first, chain in zip(roots, firsts, limbs, strict=True)
        for joint in chain
    ]
    pairs = tuple(zip(limbs[0] + limbs[2], limbs[1] + limbs[3], strict=True))
    return register_skeleton(
        Skeleton(
            name=f"benchmark{joints}",
            joints=tuple(f"joint{joint}" for joint in range(joints)),
            parents=tuple(parents),
            parts=dict(zip(FIVE_PARTS, (tuple(range(TRUNK)), *limbs), strict=True)),
            upper_limbs=limbs[0] + limbs[1],
            pairs=pairs,
            centre=(0,),
            neck=(2,),
            hips=(firsts[2], firsts[3]),
        )
    )


@DATASETS.register_module()
class SwingingPoses(SkeletonDataset):
    """Random poses whose joints swing, in any layout: the time of an epoch does not depend on what the walks show.

    Args:
        pipeline: See ``SkeletonDataset``.
        skeleton: Name of the layout.
        walks: How many.
        split: See ``SkeletonDataset``.
        fold: See ``SkeletonDataset``.
    """

    def __init__(
        self, *, pipeline: dict[str, Any], skeleton: str, walks: int, split: str = "all", fold: int = 0
    ) -> None:
        self.count = walks
        super().__init__(pipeline=pipeline, skeleton=skeleton, classes=("a", "b"), split=split, fold=fold)

    def load_data_list(self) -> list[dict[str, Any]]:
        """See ``SkeletonDataset``."""
        poses = random_positions(self.skeleton.num_joints, 40, self.count, np.random.default_rng(0))
        facts = {"label": 0, "group": "nobody", "fold": 0, "rate": 30.0, "unit": "body", "up": "y"}
        return [{"id": f"walk{number}", "positions": pose, **facts} for number, pose in enumerate(poses)]


def random_walks(cfg: Config, walks: int) -> SwingingPoses:
    """So many walks in the layout of a pre-training config, through its per-sequence pipeline."""
    return SwingingPoses(
        pipeline=cfg.train_dataloader.dataset.pipeline, skeleton=cfg.model.data_preprocessor.skeleton, walks=walks
    )


def random_positions(joints: int, frames: int, walks: int, rng: np.random.Generator) -> np.ndarray:
    """(N, T, V, 3) of random poses whose joints swing once while they travel along the last axis."""
    phase = rng.uniform(0, 2 * np.pi, (walks, 1, joints, 3)) + 2 * np.pi * np.arange(frames)[:, None, None] / frames
    travel = 0.3 * np.arange(frames)[:, None, None] * (0, 0, 1)
    return rng.normal(0, 1, (walks, 1, joints, 3)) + 0.2 * np.sin(phase) + travel


def with_sizes(cfg: Config, walks: int, frames: int, batch: int, joints: int | None = None) -> Config:
    """The config on ``SwingingPoses`` of these sizes.

    Args:
        cfg: Of a pre-training; it is left as it is.
        walks: N.
        frames: T.
        batch: Walks in a step.
        joints: V, in a layout of ``layout_of``; None keeps the config's layout.
    """
    layout = cfg.model.data_preprocessor.skeleton if joints is None else layout_of(joints).name
    settings = _renamed(cfg.to_dict(), layout)
    pipeline = dict(order=("time", "pack"), time=dict(type="Resample", length=frames), pack=dict(type="PackGait"))
    settings["train_dataloader"] |= dict(
        batch_size=batch,
        dataset=dict(type="SwingingPoses", pipeline=pipeline, skeleton=layout, walks=walks, split="all"),
    )
    return Config(settings)


def _renamed(settings: Any, layout: str) -> Any:
    """A copy in which every ``skeleton`` is that layout."""
    if isinstance(settings, dict):
        return {key: layout if key == "skeleton" else _renamed(value, layout) for key, value in settings.items()}
    return (
        type(settings)(_renamed(value, layout) for value in settings)
        if isinstance(settings, (list, tuple))
        else settings
    )

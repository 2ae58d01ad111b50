"""Per-sequence, deterministic transforms: ``positions`` (T, V, 3) of one sample in, ``inputs`` (3, T, V) out."""

from mmgaitemo.datasets.pipelines.pack import PackGait
from mmgaitemo.datasets.pipelines.space import AlignHeading, BodyScale, CentreRoot
from mmgaitemo.datasets.pipelines.time import Resample, TileCyclic

__all__ = ["AlignHeading", "BodyScale", "CentreRoot", "PackGait", "Resample", "TileCyclic"]

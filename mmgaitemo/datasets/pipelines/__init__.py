"""Per-sequence, deterministic transforms: ``positions`` (T, V, 3) of one sample in, ``inputs`` (3, T, V) out."""

from mmgaitemo.datasets.pipelines.cycles import WholeCycles
from mmgaitemo.datasets.pipelines.kinematics import Kinematics
from mmgaitemo.datasets.pipelines.pack import PackGait
from mmgaitemo.datasets.pipelines.recording import RepairGaps, ResampleRate, ToMetres, Upright
from mmgaitemo.datasets.pipelines.sides import ExchangeSides
from mmgaitemo.datasets.pipelines.space import AlignHeading, BodyScale, CentreRoot
from mmgaitemo.datasets.pipelines.time import Resample, TileCyclic

__all__ = [
    "AlignHeading",
    "BodyScale",
    "CentreRoot",
    "ExchangeSides",
    "Kinematics",
    "PackGait",
    "RepairGaps",
    "Resample",
    "ResampleRate",
    "TileCyclic",
    "ToMetres",
    "Upright",
    "WholeCycles",
]

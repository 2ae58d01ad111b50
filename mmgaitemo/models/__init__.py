"""Networks, losses and algorithms.

Shape letters, used in every docstring of this package:

======  =======================================================================
letter  meaning
======  =======================================================================
N       samples in a batch
C       channels; 3 coordinates (x, y, z) at the input
T, T'   frames at the input, and after temporal strides
V       joints of the skeleton
K       keys that the queue can hold
D       width of an embedding
======  =======================================================================

Every network input is a float32 tensor (N, 3, T, V): root-centred, unit about one centre-to-neck length.
"""

from mmgaitemo.models.algorithms import SSAL, GaitClassifier
from mmgaitemo.models.backbones import CFFN, STGCN, AFFNet
from mmgaitemo.models.data_preprocessor import GaitDataPreprocessor
from mmgaitemo.models.heads import LinearHead, ProjectionHead
from mmgaitemo.models.losses import (
    DistributionalDivergenceLoss,
    InfoNCELoss,
    KinematicSoftTargets,
    KinematicTargetLoss,
)
from mmgaitemo.models.modules import KeyQueue, KinematicQueue, NearestNeighbourMining, Readout, SimAMDrop

__all__ = [
    "CFFN",
    "SSAL",
    "STGCN",
    "AFFNet",
    "DistributionalDivergenceLoss",
    "GaitClassifier",
    "GaitDataPreprocessor",
    "InfoNCELoss",
    "KeyQueue",
    "KinematicQueue",
    "KinematicSoftTargets",
    "KinematicTargetLoss",
    "LinearHead",
    "NearestNeighbourMining",
    "ProjectionHead",
    "Readout",
    "SimAMDrop",
]

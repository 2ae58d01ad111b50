"""Shared parts of backbones and algorithms."""

from mmgaitemo.models.modules.key_queue import KeyQueue
from mmgaitemo.models.modules.kinematic_queue import KinematicQueue
from mmgaitemo.models.modules.mining import NearestNeighbourMining
from mmgaitemo.models.modules.readout import Readout
from mmgaitemo.models.modules.simam_drop import SimAMDrop
from mmgaitemo.models.modules.whitening import NuisanceWhitening

__all__ = ["KeyQueue", "KinematicQueue", "NearestNeighbourMining", "NuisanceWhitening", "Readout", "SimAMDrop"]

"""Hooks and loops: what happens around an optimiser step."""

from mmgaitemo.engine.checkpoint_hook import SafeCheckpointHook
from mmgaitemo.engine.contrast_hooks import KeyQueueHook, MomentumUpdateHook
from mmgaitemo.engine.kinematics_hook import KinematicsHook
from mmgaitemo.engine.knn_probe_loop import KNNProbeLoop
from mmgaitemo.engine.loss_hook import LossHook
from mmgaitemo.engine.report_hook import RunReportHook
from mmgaitemo.engine.resident_loader import ResidentDataHook, ResidentLoader
from mmgaitemo.engine.training_hooks import (
    CleanStatisticsHook,
    LabelledHook,
    RankZeroBuffersHook,
    SeedHook,
    UntrainedEncoderHook,
)
from mmgaitemo.engine.whitening_hook import WhiteningHook

__all__ = [
    "CleanStatisticsHook",
    "KNNProbeLoop",
    "KeyQueueHook",
    "KinematicsHook",
    "LabelledHook",
    "LossHook",
    "MomentumUpdateHook",
    "RankZeroBuffersHook",
    "ResidentDataHook",
    "ResidentLoader",
    "RunReportHook",
    "SafeCheckpointHook",
    "SeedHook",
    "UntrainedEncoderHook",
    "WhiteningHook",
]

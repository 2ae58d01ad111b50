"""Hooks and loops: what happens around an optimiser step."""

from mmgaitemo.engine.checkpoint_hook import SafeCheckpointHook
from mmgaitemo.engine.contrast_hooks import KeyQueueHook, MomentumUpdateHook
from mmgaitemo.engine.knn_probe_loop import KNNProbeLoop
from mmgaitemo.engine.report_hook import RunReportHook
from mmgaitemo.engine.training_hooks import FiniteLossHook, RankZeroBuffersHook, SeedHook, UntrainedEncoderHook

__all__ = [
    "FiniteLossHook",
    "KNNProbeLoop",
    "KeyQueueHook",
    "MomentumUpdateHook",
    "RankZeroBuffersHook",
    "RunReportHook",
    "SafeCheckpointHook",
    "SeedHook",
    "UntrainedEncoderHook",
]

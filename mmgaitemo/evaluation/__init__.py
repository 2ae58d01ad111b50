"""Metrics and probes."""

from mmgaitemo.evaluation.features import extract_features, fit_whitening, prepare_untrained, reestimate_batchnorm
from mmgaitemo.evaluation.gait_metric import GaitMetric
from mmgaitemo.evaluation.knn import knn_probe, knn_scores

__all__ = [
    "GaitMetric",
    "extract_features",
    "fit_whitening",
    "knn_probe",
    "knn_scores",
    "prepare_untrained",
    "reestimate_batchnorm",
]

"""Metrics and probes."""

from mmgaitemo.evaluation.features import extract_features, reestimate_batchnorm
from mmgaitemo.evaluation.gait_metric import GaitMetric
from mmgaitemo.evaluation.knn import knn_probe, knn_scores

__all__ = ["GaitMetric", "extract_features", "knn_probe", "knn_scores", "reestimate_batchnorm"]

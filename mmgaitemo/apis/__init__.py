"""Using trained models: published files, inference on recordings of any kind; see docs/inference.md."""

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.prediction import GaitPrediction
from mmgaitemo.apis.published import PublishedModel, load_published

__all__ = ["GaitEmotionInferencer", "GaitPrediction", "PublishedModel", "load_published"]

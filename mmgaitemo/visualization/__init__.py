"""Pictures of skeletons, views, embeddings, confusion and curves."""

from mmgaitemo.visualization.confusion_plot import draw_confusion
from mmgaitemo.visualization.curves import draw_curves
from mmgaitemo.visualization.embedding_plot import draw_embedding
from mmgaitemo.visualization.skeleton_plot import draw_views

__all__ = ["draw_confusion", "draw_curves", "draw_embedding", "draw_views"]

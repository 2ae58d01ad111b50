"""Initial weights of a model outside of a run."""

from __future__ import annotations

import logging

from mmengine.logging import MMLogger
from mmengine.model import BaseModel


def initialise(model: BaseModel) -> None:
    """Draw the weights that the ``init_cfg`` of the model and its parts describe, as MMEngine's Runner does.

    What has none keeps PyTorch's own, so that a model without any is left as it is.
    """
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)  # MMEngine would list every parameter
    try:
        model.init_weights()
    finally:
        logger.setLevel(level)

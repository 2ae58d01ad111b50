"""The memory bank that also knows how the walks of its keys move."""

from __future__ import annotations

from mmgaitemo.kinematics import NAMES
from mmgaitemo.models.modules.key_queue import KeyQueue
from mmgaitemo.registry import MODELS


@MODELS.register_module()
class KinematicQueue(KeyQueue):
    """A ``KeyQueue`` with a second ring beside it: of each key the kinematics of its walk, at unit length.

    The same walks are staged to both, in the same order, and both are committed together, so slot j of both is one
    walk. ``KinematicSoftTargets`` reads the second ring.

    Args:
        size: K.
        dim: D of the keys.
        mask_self: See ``KeyQueue``.
    """

    def __init__(self, size: int, dim: int = 128, mask_self: bool = True) -> None:
        super().__init__(size, dim, mask_self)
        self.kinematics = KeyQueue(size, len(NAMES), mask_self)

    def commit(self) -> None:
        """Write what is staged to both rings."""
        super().commit()
        self.kinematics.commit()

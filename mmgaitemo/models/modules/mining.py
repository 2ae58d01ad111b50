"""Nearest-neighbour mining: positives found in the queue."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.registry import MODELS


@MODELS.register_module()
class NearestNeighbourMining(nn.Module):
    """Take the nearest stored key of every query view as a further positive (AimCLR, Guo et al., AAAI 2022).

    Args:
        begin: Epoch (counted from 0) from which on it is used; before it only the sample's own key is a positive.
        top_k: How many neighbours of each view.
    """

    def __init__(self, begin: int, top_k: int = 1) -> None:
        super().__init__()
        self.begin = begin
        self.top_k = top_k

    def forward(self, logits: list[Tensor]) -> Tensor:
        """Positives shared by all views.

        Args:
            logits: One (N, 1 + K) per view, the own key first.

        Returns:
            (N, 1 + K) bool: the own key and each view's nearest neighbours among the stored keys.
        """
        positives = torch.zeros_like(logits[0], dtype=torch.bool)
        positives[:, 0] = True
        for view in logits:
            nearest = view.detach()[:, 1:].topk(min(self.top_k, view.shape[1] - 1), dim=1).indices + 1
            positives.scatter_(1, nearest, True)
        return positives

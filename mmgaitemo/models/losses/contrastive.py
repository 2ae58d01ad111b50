"""The two losses of SSAL: L = alpha L_Info + beta L_d.

Both read logits (N, 1 + K): similarities to the own key (column 0) and to the stored keys, over the temperature. Both
compute in float32 with ``log_softmax``: the logarithm of a softmax underflows in half precision.
"""

from __future__ import annotations

from torch import Tensor, nn

from mmgaitemo.registry import LOSSES


@LOSSES.register_module()
class InfoNCELoss(nn.Module):
    """-log p(positive), the mean over the batch (van den Oord et al. 2018; MoCo).

    Args:
        weight: alpha; 1 in SSAL.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, logits: Tensor, positives: Tensor | None = None) -> Tensor:
        """The loss, a scalar.

        Args:
            logits: (N, 1 + K).
            positives: (N, 1 + K) bool; None means column 0 alone. Several positives share the loss equally (AimCLR).
        """
        log_p = logits.float().log_softmax(dim=1)
        if positives is None:
            return -self.weight * log_p[:, 0].mean()
        share = positives.float() / positives.sum(1, keepdim=True)
        return -self.weight * (log_p * share).sum(1).mean()


@LOSSES.register_module()
class DistributionalDivergenceLoss(nn.Module):
    """-sum_j sg[p_j(general)] log p_j(strong): pull the strong view's distribution onto the general one's.

    A cross-entropy, which is the Kullback-Leibler divergence up to a constant (AimCLR's distributional divergence
    minimisation). No gradient reaches the general view.

    Args:
        weight: beta; 1 in SSAL.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, strong: Tensor, general: Tensor) -> Tensor:
        """The loss, a scalar, from two (N, 1 + K) logits."""
        target = general.detach().float().softmax(dim=1)
        return -self.weight * (target * strong.float().log_softmax(dim=1)).sum(1).mean()

"""The two losses of SSAL: L = alpha L_Info + beta L_d.

Both read log p (N, 1 + K), float32: the log-softmax of the similarities to the own key (column 0) and to the stored
keys, over the temperature. The logarithm of a softmax would underflow.
"""

from __future__ import annotations

from torch import Tensor, nn

from mmgaitemo.models.losses.checks import check_positive
from mmgaitemo.registry import LOSSES


@LOSSES.register_module()
class InfoNCELoss(nn.Module):
    """-log p(positive), the mean over the batch (van den Oord et al. 2018; MoCo).

    Args:
        weight: alpha, above 0; 1 in SSAL.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        check_positive("model.loss_info.weight", weight, "1.0 is SSAL's")
        self.weight = weight

    def forward(self, log_p: Tensor, positives: Tensor | None = None) -> Tensor:
        """The loss, a scalar.

        Args:
            log_p: (N, 1 + K).
            positives: (N, 1 + K) bool; None means column 0 alone. Several positives share the loss equally (AimCLR).
                Or float, at least 0: they share it in these proportions.
        """
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
        weight: beta, above 0; 1 in SSAL.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        check_positive(
            "model.loss_divergence.weight", weight, "1.0 is SSAL's; model.loss_divergence=None leaves it out"
        )
        self.weight = weight

    def forward(self, strong: Tensor, general: Tensor) -> Tensor:
        """The loss, a scalar, from log p (N, 1 + K) of two views."""
        return -self.weight * (general.detach().exp() * strong).sum(1).mean()

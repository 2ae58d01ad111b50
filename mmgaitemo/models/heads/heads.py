"""The projection of the contrast and the linear classifier."""

from __future__ import annotations

from torch import Tensor, nn

from mmgaitemo.registry import HEADS


@HEADS.register_module()
class ProjectionHead(nn.Module):
    """Linear, (BatchNorm), ReLU, Linear: (N, in_channels) to the space of the contrast (N, out_channels).

    Args:
        in_channels: Width of the backbone's vector.
        hidden_channels: Width between the two layers.
        out_channels: D.
        norm: BatchNorm between the layers. The published head has none (False); without it, a few hundred steps on a
            few hundred walks do not leave the loss's plateau ln(1 + K).
    """

    def __init__(
        self, in_channels: int = 128, hidden_channels: int = 128, out_channels: int = 128, norm: bool = True
    ) -> None:
        super().__init__()
        between = [nn.BatchNorm1d(hidden_channels)] if norm else []
        self.layers = nn.Sequential(
            nn.Linear(in_channels, hidden_channels), *between, nn.ReLU(), nn.Linear(hidden_channels, out_channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Project."""
        return self.layers(features)


@HEADS.register_module()
class LinearHead(nn.Module):
    """(Standardise), Linear: (N, in_channels) to class scores (N, num_classes).

    Args:
        in_channels: Width of the backbone's vector.
        num_classes: Classes.
        norm: Standardise each feature with a BatchNorm that has no learned scale, so that one learning rate suits
            features of any size.
        dropout: Share of the features hidden while training.
    """

    def __init__(self, in_channels: int, num_classes: int, norm: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(in_channels, affine=False) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(in_channels, num_classes)
        self.num_classes = num_classes

    def forward(self, features: Tensor) -> Tensor:
        """Class scores before the softmax."""
        return self.linear(self.dropout(self.norm(features)))

"""Downstream: an encoder and a linear classifier."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.encoder_io import load_encoder
from mmgaitemo.registry import BACKBONES, HEADS, MODELS

UNTRAINED, REQUIRED = "untrained", "required"


@MODELS.register_module()
class GaitClassifier(BaseModel):
    """Class scores of walks.

    The protocols are configs: linear (``frozen``, encoder given), fine-tuned and semi-supervised (encoder given,
    trained on), supervised (no encoder).

    Args:
        backbone: Config of the encoder.
        head: Config of the ``LinearHead``.
        frozen: Keep the encoder as it is: no gradient, BatchNorm in eval mode.
        encoder: Checkpoint whose ``backbone.*`` weights are loaded, strictly; None trains from scratch; "untrained"
            says on purpose that there is none to load; "required" is what the protocols that build on a pre-trained
            encoder say until one is named.
        label_smoothing: Of the cross-entropy, in [0, 1).
        data_preprocessor: Config of the ``GaitDataPreprocessor``.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        frozen: bool = False,
        encoder: str | None = None,
        label_smoothing: float = 0.0,
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        if not 0 <= label_smoothing < 1:
            raise ConfigError(
                "model.label_smoothing", "must lie in [0, 1)", found=label_smoothing, remedy="0.1 is usual"
            )
        self.backbone = BACKBONES.build(backbone)
        self.head = HEADS.build({"in_channels": self.backbone.out_channels, **head})
        self.frozen = frozen
        self.encoder = encoder
        self.label_smoothing = label_smoothing
        if frozen:
            self.backbone.requires_grad_(False)

    def init_weights(self) -> None:
        """Load the encoder.

        Raises:
            ConfigError: An encoder is needed and none is named.
            CheckpointError: The checkpoint is none, or its encoder is another.
        """
        super().init_weights()
        if self.encoder == REQUIRED or (self.frozen and self.encoder is None):
            raise ConfigError(
                "model.encoder",
                "this protocol builds on a pre-trained encoder, and none is named",
                found=self.encoder,
                remedy="pass --encoder CKPT of a pre-training run, or --encoder untrained to measure just that",
            )
        if self.encoder not in (None, UNTRAINED):
            load_encoder(self.backbone, self.encoder)

    def train(self, mode: bool = True) -> GaitClassifier:
        """Switch modes; a frozen encoder stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(
        self, inputs: Tensor, labels: Tensor | None = None, ids: list[str] | None = None, mode: str = "tensor"
    ) -> Any:
        """Entry of MMEngine: "loss", "predict" (one dict per sample) or "tensor" (scores before the softmax)."""
        scores = self.head(self.extract_feat(inputs))
        if mode == "tensor":
            return scores
        if labels is None or ids is None:
            raise ConfigError(f"GaitClassifier mode {mode!r}", "needs labels and ids", remedy="pass both, or 'tensor'")
        if mode == "loss":
            return self.loss(scores, labels)
        return [
            {"id": name, "label": int(label), "scores": score.cpu()}
            for name, label, score in zip(ids, labels, scores.softmax(1), strict=True)
        ]

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """(N, 3, T, V) to (N, backbone.out_channels)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.backbone(inputs)

    def loss(self, scores: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Cross-entropy and, for the log, the share of right answers.

        Args:
            scores: (N, classes), before the softmax.
            labels: (N,) class ids. ``LabelledHook`` sees to it, once, that no walk of the training data lacks one: to
                look at those of a batch would make the host wait for the device in every step.
        """
        return {
            "loss": F.cross_entropy(scores.float(), labels, label_smoothing=self.label_smoothing),
            "top1": (scores.argmax(1) == labels).float().mean(),
        }

"""SSAL and, with parts left out, the methods it grew from."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from mmengine import MessageHub
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn.modules.dropout import _DropoutNd

from mmgaitemo.errors import ConfigError, TrainingError
from mmgaitemo.models.algorithms.encode import encode
from mmgaitemo.models.losses.checks import check_positive
from mmgaitemo.models.losses.kinematic import STRONG
from mmgaitemo.models.modules.bit_dropout import BitDropout
from mmgaitemo.models.modules.kinematic_queue import KinematicQueue
from mmgaitemo.models.modules.kinematic_targets import KinematicTargets, directions
from mmgaitemo.registry import BACKBONES, HEADS, LOSSES, MODELS
from mmgaitemo.samples import fingerprint

NEVER = -1e9  # a logit with probability 0, and finite where minus infinity would give 0 * inf in the divergence


@MODELS.register_module()
class SSAL(BaseModel):
    """Momentum contrast of gait views, with a divergence loss for a strongly augmented one.

    Notation of the paper's Figure 2, equations of the project's docs/method.md: s1, s2 are general views, s3 a strong
    one. s1 goes through the key encoder (a moving average of the query encoder) to z1, s2 and s3 through the query
    encoder to z2 and z3; z3' is z3 with the most important features dropped. With p(z) = softmax([z z1, z Q] / tau)
    over the own key and the queue Q as it was before this step:

        L_Info = -log p_0(z2)
        L_d    = 1/2 (CE(sg p(z2), p(z3)) + CE(sg p(z2), p(z3')))
        L      = alpha L_Info + beta L_d

    Two label-free parts of this project's own, off unless configured, put a term gamma L_k beside L
    (``KinematicTargetLoss``), and graded positives q in place of the own key: L_Info = -sum_j q_j log p_j(z2)
    (``KinematicSoftTargets``).

    ``loss`` changes no state but to stage z1; ``MomentumUpdateHook`` and ``KeyQueueHook`` act once per optimiser step.
    The family are configs of the same parts: SkeletonCLR has no strong view, drop or divergence; AimCLR has its own
    strong view, and mining.

    Args:
        backbone: Config of the query encoder.
        head: Config of the projection head.
        queue: Config of the ``KeyQueue``.
        loss_info: Config of L_Info (its ``weight`` is alpha).
        loss_divergence: Config of L_d (its ``weight`` is beta), or None.
        loss_kinematics: Config of the ``KinematicTargetLoss``, or None: h has to tell how the recorded walk moves.
        soft_targets: Config of the ``KinematicSoftTargets``, or None: L_Info's positives are graded by how alike the
            walks move. Needs a ``KinematicQueue``. Both need a data set with ``kinematics``, and ``KinematicsHook``.
        drop: Config of the drop that makes z3', or None: then L_d has one term.
        mining: Config of the positives found in the queue, or None.
        strong_info: Also apply L_Info to z3: the strong view learned directly, the baseline of L_d.
        temperature: tau.
        key_dropout: Whether the key encoder's dropout is on, as in the public codes. Nothing is learned from the keys'
            pass, so its masks cost time and only make the keys noisier.
        compile: Arguments of ``torch.compile``, which then makes one program of each encoder's training pass:
            ``dict()``, or ``dict(mode="reduce-overhead")`` for CUDA graphs; None leaves them as they are. The losses,
            evaluations, checkpoints and their keys do not change; the first steps take minutes.
        copy_to_keys: Start the key encoder as a copy of the query encoder (MoCo); False: with the weights that
            ``init_cfg`` drew for it, as in the public codes, which draw anew after they copy.
        init_cfg: MMEngine's, for weights drawn otherwise than PyTorch does; None leaves those.
        data_preprocessor: Config of the ``GaitDataPreprocessor``; its views are "key", "query" and maybe "strong".
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        queue: dict,
        loss_info: dict,
        loss_divergence: dict | None = None,
        loss_kinematics: dict | None = None,
        soft_targets: dict | None = None,
        drop: dict | None = None,
        mining: dict | None = None,
        strong_info: bool = False,
        temperature: float = 0.07,
        key_dropout: bool = True,
        compile: dict[str, Any] | None = None,
        copy_to_keys: bool = True,
        init_cfg: list[dict] | None = None,
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        check_positive("model.temperature", temperature, "0.07 is usual")
        if drop is not None and loss_divergence is None:
            raise ConfigError(
                "model.drop", "z3' is read by L_d alone, and loss_divergence is None", remedy="set drop=None too"
            )
        if not isinstance(key_dropout, bool):
            raise ConfigError("model.key_dropout", "is a switch", found=repr(key_dropout), remedy="use True or False")
        if compile is not None and not isinstance(compile, dict):
            raise ConfigError(
                "model.compile",
                "takes the arguments of torch.compile by name",
                found=repr(compile),
                remedy="write compile=dict(mode='default'), or --cfg-options model.compile.mode=default",
            )
        self.backbone = BACKBONES.build(backbone)
        self.head = HEADS.build({"in_channels": self.backbone.out_channels, **head})
        self.key_backbone = deepcopy(self.backbone).requires_grad_(False)
        self.key_head = deepcopy(self.head).requires_grad_(False)
        self.queue = MODELS.build(queue)
        self.loss_info = LOSSES.build(loss_info)
        self.loss_divergence = LOSSES.build(loss_divergence) if loss_divergence else None
        wide = {"in_channels": self.backbone.out_channels}
        self.loss_kinematics = LOSSES.build({**wide, **loss_kinematics}) if loss_kinematics else None
        self.soft_targets = LOSSES.build(soft_targets) if soft_targets else None
        self.kinematics = KinematicTargets() if loss_kinematics or soft_targets else None
        self.drop = MODELS.build(drop) if drop else None
        self.mining = MODELS.build(mining) if mining else None
        self.strong_info = strong_info
        self.temperature = temperature
        self.key_dropout = key_dropout
        self.copy_to_keys = copy_to_keys
        self._check_kinematics()
        self._encode: Callable[..., list[Any]] = encode if compile is None else torch.compile(encode, **compile)

    def _check_kinematics(self) -> None:
        if self.loss_kinematics is not None and self.loss_kinematics.views == STRONG and not self.uses_strong:
            raise ConfigError(
                "model.loss_kinematics.views",
                "there is no strong view: no other loss reads it",
                found=self.loss_kinematics.views,
                remedy="use 'all'",
            )
        if (self.soft_targets is not None) != isinstance(self.queue, KinematicQueue):
            raise ConfigError(
                "model.queue.type",
                "soft_targets and a queue that stores kinematics go together",
                found=f"{type(self.queue).__name__}, soft_targets {'on' if self.soft_targets else 'off'}",
                remedy="set queue=dict(type='KinematicQueue') and soft_targets=dict(type='KinematicSoftTargets'), or "
                "'KeyQueue' and None",
            )

    @property
    def uses_strong(self) -> bool:
        """Whether a loss reads the strong view."""
        return self.strong_info or self.loss_divergence is not None

    def init_weights(self) -> None:
        """Initialise; as a rule keys and queries then start from the same weights."""
        super().init_weights()
        if self.copy_to_keys:
            self.momentum_update(0.0)

    def train(self, mode: bool = True) -> SSAL:
        """Switch modes; without ``key_dropout`` the dropout of the key encoder stays in eval mode."""
        super().train(mode)
        if not self.key_dropout:
            for module in (*self.key_backbone.modules(), *self.key_head.modules()):
                if isinstance(module, (_DropoutNd, BitDropout)):
                    module.eval()
        return self

    @torch.no_grad()
    def momentum_update(self, momentum: float) -> None:
        """theta_k <- m theta_k + (1 - m) theta_q, parameters only.

        BatchNorm statistics are the key encoder's own, and of training batches: it is never evaluated or exported.
        """
        # In one call: a backbone may have no parameters (statistics of joints alone), and an empty list is refused.
        keys = [*self.key_backbone.parameters(), *self.key_head.parameters()]
        torch._foreach_lerp_(keys, [*self.backbone.parameters(), *self.head.parameters()], 1.0 - momentum)

    def forward(
        self,
        inputs: Tensor | dict[str, Tensor],
        labels: Tensor | None = None,
        ids: list[str] | None = None,
        kinematics: Tensor | None = None,
        mode: str = "tensor",
    ) -> Tensor | dict[str, Tensor]:
        """Entry of MMEngine: "loss" with the dict of views, "tensor" for the feature vectors (N, D)."""
        if mode == "loss":
            if not isinstance(inputs, dict) or ids is None:
                raise ConfigError(
                    "model.data_preprocessor.views",
                    "a contrast needs two views of each sample, and its name",
                    found=type(inputs).__name__,
                    remedy="set views=dict(type='ContrastiveViews', ...)",
                )
            return self.loss(inputs, ids, kinematics)
        if isinstance(inputs, dict):
            raise TrainingError("SSAL", f"mode {mode!r} takes one tensor, not views", remedy="pass training=False")
        return self.extract_feat(inputs)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """(N, 3, T, V) to the vector h that probes read, (N, backbone.out_channels)."""
        return self.backbone(inputs)

    def loss(self, inputs: dict[str, Tensor], ids: list[str], kinematics: Tensor | None = None) -> dict[str, Tensor]:
        """Losses of one batch of views; stages the keys.

        Args:
            inputs: "key", "query" and, where a loss reads it, "strong": each (N, 3, T, V).
            ids: Names of the N samples.
            kinematics: (N, D) of the recorded walks; None where the data set has none.

        Returns:
            ``loss_info``, and where configured ``loss_info_strong``, ``loss_divergence`` and ``loss_kinematics``;
            ``top1`` is the share of samples whose own key is nearest, for the log.

        Raises:
            ConfigError: Views and losses do not fit together, or the walks lack the kinematics that a loss reads.
        """
        if self.uses_strong != ("strong" in inputs):
            raise ConfigError(
                "model.data_preprocessor.views.strong",
                "the strong view and the losses that read it go together",
                found=f"views {sorted(inputs)}, loss_divergence {'on' if self.loss_divergence else 'off'}, "
                f"strong_info {self.strong_info}",
                remedy="set both, or strong=None, loss_divergence=None and drop=None",
            )
        targets = self._targets(kinematics)
        samples = fingerprint(ids).to(inputs["query"].device, non_blocking=True)
        with torch.no_grad():
            (key,) = self._encode(self.key_backbone, self.key_head, None, inputs["key"])
        passes = self._encode(self.backbone, self._project, None, inputs["query"])
        if self.uses_strong:
            passes = [*passes, *self._encode(self.backbone, self._project, self.drop, inputs["strong"])]
        with torch.autocast(key.device.type, enabled=False):
            key = F.normalize(key.float(), dim=1)
            hidden = torch.where(self.queue.negatives(samples), 0.0, NEVER)
            logits = [self._logits(query, key, hidden) for query, _ in passes]
            log_p = [view.log_softmax(1) for view in logits]
            positives = self._positives(logits)
            if self.soft_targets is not None:
                own = directions(targets)
                positives = self.soft_targets(own, self.queue.kinematics.keys, hidden, positives)
            losses = {"loss_info": self.loss_info(log_p[0], positives)}
            if self.strong_info:
                losses["loss_info_strong"] = self.loss_info(log_p[1], positives)
            if self.loss_divergence is not None:
                terms = [self.loss_divergence(strong, log_p[0]) for strong in log_p[1:]]
                losses["loss_divergence"] = torch.stack(terms).mean()
            if self.loss_kinematics is not None:
                losses["loss_kinematics"] = self.loss_kinematics([vector for _, vector in passes], targets)
            losses["top1"] = (logits[0].argmax(1) == 0).float().mean()
        step = next(self.head.parameters())._version
        self.queue.stage(key, samples, step)
        if self.soft_targets is not None:
            self.queue.kinematics.stage(own, samples, step)
        return losses

    def _project(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The projections z, and the vectors h that they are of."""
        return self.head(vectors), vectors

    def _targets(self, kinematics: Tensor | None) -> Any:
        if self.kinematics is None:
            return None
        if kinematics is None:
            raise ConfigError(
                "train_dataloader.dataset.pipeline.kinematics",
                "model.loss_kinematics and model.soft_targets read kinematics, and the walks come without",
                remedy="add kinematics=dict(type='Kinematics', rate=30) to the pipeline, first in its order",
            )
        return self.kinematics(kinematics)

    def _logits(self, query: Tensor, key: Tensor, hidden: Tensor) -> Tensor:
        """(N, 1 + K): similarity to the own key and to the stored ones, over tau, plus ``hidden`` (N, K) on those."""
        query = F.normalize(query.float(), dim=1)
        own = (query * key).sum(1, keepdim=True) / self.temperature
        stored = torch.addmm(hidden, query, self.queue.keys.T, alpha=1 / self.temperature)
        return torch.cat([own, stored], dim=1)

    def _positives(self, logits: list[Tensor]) -> Tensor | None:
        if self.mining is None or MessageHub.get_current_instance().get_info("epoch", 0) < self.mining.begin:
            return None
        return self.mining(logits) & (logits[0] > NEVER / 2)  # a sample may have fewer stored negatives than top_k

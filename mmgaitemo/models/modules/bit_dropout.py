"""Dropout whose masks cost little."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmgaitemo.errors import ConfigError

_LEVELS = 2**16


class BitDropout(nn.Module):
    """Dropout (Srivastava et al., JMLR 2014): zero each element with probability p, divide the others by 1 - p.

    ``torch.nn.Dropout`` draws one Bernoulli number per element, on a CPU a third of a step of ST-GCN. Here one 64-bit
    number of the global generator serves four elements, or 64 where p is a half, as published; p is rounded to the
    nearest multiple of 2^-16.

    Args:
        p: Share of elements zeroed while training, in [0, 1).

    Raises:
        ConfigError: ``p`` is out of range.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p < 1:
            raise ConfigError("dropout", "must lie in [0, 1)", found=repr(p), remedy="0.5 is usual, 0 turns it off")
        self.dropped = min(round(p * _LEVELS), _LEVELS - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Drop, while training."""
        if not self.training or self.dropped == 0:
            return x
        keep = self._factors(x.numel(), x.device, x.dtype)
        # An element-wise product does not care for the order of independent numbers: take that of x in memory.
        return x * keep.view(x.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)

    def _factors(self, count: int, device: torch.device, dtype: torch.dtype) -> Tensor:
        """``count`` independent numbers, 1 / (1 - p) with probability 1 - p and else 0."""
        half = 2 * self.dropped == _LEVELS
        draws = torch.randint(-(2**63), 2**63 - 1, (-(-count // (64 if half else 4)),), device=device)
        if half:  # one bit each, and bytes up to the end: numbers, comparisons and factors take four times as long
            bits = 2 ** torch.arange(8, dtype=torch.uint8, device=device)
            ones = (draws.view(torch.uint8) & bits[:, None]).bool().view(torch.uint8)
            return ones.mul_(2).flatten()[:count].to(dtype)
        numbers = draws.view(torch.int16)[:count]  # independent and uniform on -2^15 ... 2^15 - 1
        return (numbers >= self.dropped - _LEVELS // 2).to(dtype) * (_LEVELS / (_LEVELS - self.dropped))

    def extra_repr(self) -> str:
        """The share, for ``print``."""
        return f"p={self.dropped / _LEVELS}"

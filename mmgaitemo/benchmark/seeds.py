"""Several seeds of one small encoder in a process: one by one, stacked by ``torch.func``, and as grouped convolutions.

The encoder stands for the graph branch without what cannot be stacked: plain 1x1 and temporal convolutions, BatchNorm
and ReLU, as wide as that of the quick start.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from mmgaitemo.benchmark.timing import Timing, interleaved

WIDTHS = (3, 16, 16, 32, 32)
STRIDES = (2, 1, 2, 1)


def encoder(groups: int = 1) -> nn.Sequential:
    """The encoder, or ``groups`` of them side by side in the channels."""
    layers: list[nn.Module] = []
    for wide, (before, after) in enumerate(pairwise(WIDTHS)):
        before, after = before * groups, after * groups
        layers += [nn.Conv2d(before, after, 1, groups=groups), nn.BatchNorm2d(after), nn.ReLU()]
        time = nn.Conv2d(after, after, (9, 1), (STRIDES[wide], 1), (4, 0), groups=groups)
        layers += [time, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


def measure(seeds: int, batch: int, rounds: int) -> dict[str, Timing]:
    """Time forward and backward passes of all seeds with the threads that are set.

    Args:
        seeds: Networks of the same shape, each on a batch of its own.
        batch: Walks of each (T = 48, V = 16).
        rounds: Timed rounds.
    """
    walks = torch.randn(seeds, batch, 3, 48, 16)
    networks = [encoder() for _ in range(seeds)]
    parameters, buffers = stack_module_state([encoder() for _ in range(seeds)])
    stacked = vmap(grad(lambda p, b, x: functional_call(networks[0], (p, b), (x,)).square().mean()))
    grouped = encoder(seeds)
    side_by_side = walks.transpose(0, 1).reshape(batch, -1, 48, 16).contiguous(memory_format=torch.channels_last)

    def learn(network: nn.Module, x: Tensor) -> None:
        network.zero_grad()
        network(x).square().mean().backward()

    def one_by_one() -> None:
        for network, x in zip(networks, walks, strict=True):
            learn(network, x.contiguous(memory_format=torch.channels_last))

    variants = {
        "one by one": one_by_one,
        "vmap": lambda: stacked(parameters, buffers, walks),
        "grouped": lambda: learn(grouped, side_by_side),
    }
    return interleaved(variants, rounds, 2)

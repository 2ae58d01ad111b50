"""The statistics branch against NumPy, and as a part of CFFN."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmgaitemo.errors import ConfigError
from mmgaitemo.models.backbones import CFFN, JointStatistics


def test_equals_numpys_mean_and_deviation_behind_the_norm() -> None:
    branch = JointStatistics("egait16", hidden=7, in_channels=6).eval()
    x = torch.randn(5, 6, 20, 16) * 3 + 1
    branch.norm.norm.running_mean.uniform_(-1, 1)
    branch.norm.norm.running_var.uniform_(0.5, 2)
    normed = branch.feature_maps(x)["statistics"].detach().numpy()
    mean, deviation = normed.mean(2), np.sqrt(normed.var(2) + 1e-6)  # (N, C, V)
    numbers = np.concatenate([part.transpose(0, 2, 1).reshape(5, -1) for part in (mean, deviation)], 1)
    numbers = numbers / np.sqrt(1 + 1e-5)  # BatchNorm as initialised
    hidden = numbers @ branch.layers[1].weight.detach().numpy().T / np.sqrt(1 + 1e-5)
    assert np.allclose(branch(x).detach().numpy(), np.maximum(hidden, 0), atol=1e-5)


def test_tells_joints_apart_that_a_pooling_network_cannot() -> None:
    """Exchanging the motion of two joints changes nothing after a mean over joints, and everything here."""
    x = torch.zeros(2, 3, 24, 16)
    x[0, 1, :, 6] = x[1, 1, :, 15] = torch.sin(torch.arange(24.0))
    torch.manual_seed(0)
    branch = JointStatistics("egait16").eval()
    first, second = branch(x)
    assert (first - second).abs().max() > 0.05


def test_is_a_branch_of_cffn_beside_the_others_or_alone() -> None:
    graph = dict(type="STGCN", skeleton="egait16", channels=(8,), strides=(2,))
    statistics = dict(type="JointStatistics", skeleton="egait16", hidden=12)
    both = CFFN(graph, None, out_channels=None, statistics=statistics)
    x = torch.randn(4, 3, 16, 16)
    assert set(both.feature_maps(x)) == {"graph", "statistics"}
    assert both(x).shape == (4, 20)
    assert CFFN(None, None, 5, statistics)(x).shape == (4, 5)


@pytest.mark.parametrize("hidden", [0, -1, 2.5, True, "256"])
def test_a_width_that_is_none_is_refused(hidden: object) -> None:
    with pytest.raises(ConfigError, match=r"JointStatistics\.hidden"):
        JointStatistics("egait16", hidden)

"""CleanStatisticsHook: the statistics of the last checkpoint are those of the clean training walks."""

from __future__ import annotations

from pathlib import Path

import torch
from runs import tiny_config, train

from mmgaitemo.registry import DATASETS


def test_statistics_of_the_checkpoint_are_those_of_the_clean_walks(tmp_path: Path) -> None:
    hook = {"default_hooks.statistics": dict(type="CleanStatisticsHook")}
    plain = train(tiny_config(tmp_path / "plain"))
    cfg = tiny_config(tmp_path / "clean", **hook)
    model = train(cfg)
    state = torch.load(tmp_path / "clean/epoch_2.pth")["state_dict"]
    walks = DATASETS.build(cfg.train_dataloader.dataset).inputs
    coordinates = walks.permute(0, 3, 1, 2).reshape(len(walks), 48, -1)  # (N, V C, T), as the first BatchNorm sees them
    norm = "backbone.branches.graph.norm.norm."
    assert torch.allclose(state[norm + "running_mean"], coordinates.mean((0, 2)), atol=1e-6)
    assert torch.allclose(
        state[norm + "running_var"], coordinates.transpose(0, 1).flatten(1).var(1, unbiased=True), rtol=1e-4
    )
    assert torch.equal(state[norm + "running_mean"], model.state_dict()[norm + "running_mean"])
    assert not torch.equal(state[norm + "running_mean"], plain.state_dict()[norm + "running_mean"])
    for (name, weight), (_, same) in zip(plain.named_parameters(), model.named_parameters(), strict=True):
        assert torch.equal(weight, same), name  # only statistics differ
    assert torch.load(tmp_path / "clean/epoch_1.pth")["state_dict"][norm + "running_mean"].equal(
        torch.load(tmp_path / "plain/epoch_1.pth")["state_dict"][norm + "running_mean"]
    )

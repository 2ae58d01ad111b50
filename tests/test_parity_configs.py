"""Methods that are compared have the same encoder, data and budget; published presets have the published values."""

from __future__ import annotations

from typing import Any

import pytest
from runs import ROOT

from mmgaitemo.config import load_config, preflight
from mmgaitemo.datasets.label_lists import FRACTIONS
from mmgaitemo.overrides import EFFECTIVE, setting_at
from mmgaitemo.provenance import differing

BASELINES = ROOT / "configs" / "baselines"
DATA = ("egait", "pathogait", "synthgait")
METHODS = {
    "skeletonclr": {"model.data_preprocessor.views.strong", "model.loss_divergence", "model.drop"},
    "aimclr": {"model.data_preprocessor.views.strong", "model.mining"},
}


def effective(path: Any) -> dict[str, Any]:
    """The settings of a config that something reads."""
    return {key: value for key, value in load_config(path).to_dict().items() if key in EFFECTIVE}


@pytest.mark.parametrize("data", DATA)
def test_methods_and_encoders_differ_in_nothing_else(data: str) -> None:
    ssal = effective(ROOT / f"configs/ssal_{data}.py")
    alone = ROOT / "configs/ablations/graph_only.py" if data == "egait" else BASELINES / f"ssal_stgcn_{data}.py"
    assert differing(ssal, effective(alone)) == ["model.backbone.image"]
    for method, own in METHODS.items():
        cffn, stgcn = (effective(BASELINES / f"{method}_{encoder}_{data}.py") for encoder in ("cffn", "stgcn"))
        changed = differing(ssal, cffn)
        assert {key for key in own if any(path.startswith(key) for path in changed)} == own
        assert all(any(path.startswith(key) for key in own) for path in changed)
        assert differing(cffn, stgcn) == ["model.backbone.image"]


def test_mining_begins_at_half_of_the_run() -> None:
    presets = sorted(BASELINES.glob("aimclr_*_*.py")) + [BASELINES / "aimclr_published.py"]
    assert len(presets) == 7
    for preset in presets:
        cfg = load_config(preset)
        assert cfg.model.mining.begin == cfg.train_cfg.max_epochs // 2, preset


def test_presets_have_the_values_of_the_public_code() -> None:
    """Of AimCLR's files for pre-training, and SkeletonCLR's, which it inherited."""
    values = {
        "train_cfg.max_epochs": 300,
        "train_dataloader.batch_size": 128,
        "train_dataloader.dataset.pipeline.time.length": 50,
        "optim_wrapper.optimizer": dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4),
        "param_scheduler": [dict(type="ConstantLR", factor=0.1, by_epoch=True, begin=250)],
        "default_hooks.momentum": dict(type="MomentumUpdateHook", momentum=0.999, end_momentum=None),
        "model.temperature": 0.07,
        "model.queue": dict(type="KeyQueue", size=32768, dim=128, mask_self=False, random_start=True),
        "model.copy_to_keys": False,
        "model.head": dict(type="ProjectionHead", hidden_channels=256, out_channels=128, norm=False),
        "model.backbone.graph.channels": (16, 16, 16, 16, 32, 32, 32, 64, 64, 256),
        "model.backbone.graph.strides": (1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
        "model.backbone.graph.dropout": 0.5,
        "model.backbone.image": None,
        "model.data_preprocessor.views.general.shear.amplitude": 0.5,
        "model.data_preprocessor.views.general.crop.padding_ratio": 6,
    }
    both = [effective(BASELINES / f"{method}_published.py") for method in METHODS]
    for cfg in both:
        assert {key: setting_at(cfg, key) for key in values} == values
        for role in ("val_dataloader.dataset", "val_cfg.bank"):
            assert setting_at(cfg, role)["pipeline"] == cfg["train_dataloader"]["dataset"]["pipeline"]
    assert setting_at(both[1], "model.drop") == dict(type="SimAMDrop", threshold=0.7, branches=("graph",))
    changed = differing(*both)
    assert all(any(path.startswith(key) for own in METHODS.values() for key in own) for path in changed), changed


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_every_share_of_the_labels_can_be_trained_on(fraction: float) -> None:
    options = {"train_dataloader.dataset.label_fraction": fraction, "model.encoder": "untrained"}
    cfg = load_config(ROOT / "configs/downstream/semi_synthgait.py", {**options, "val_dataloader": None})
    preflight(cfg)  # refuses a run without a full batch, and one whose last batch is a single walk

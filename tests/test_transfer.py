"""An encoder of one data set probed on another: allowed, and said; another network or skeleton is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run_here
from conftest import PATHOGAIT, write_archive, write_pair
from runs import ROOT, TINY_ENCODER

from mmgaitemo.config import load_config
from mmgaitemo.errors import CheckpointError
from mmgaitemo.models.encoder_io import read_checkpoint
from mmgaitemo.provenance import check_encoder

LINEAR = ROOT / "configs/downstream/linear_pathogait.py"
ENCODER = [
    f"{key}={','.join(map(str, value)) + ',' if isinstance(value, tuple) else value}"
    for key, value in TINY_ENCODER.items()
]
SHORT = ["train_cfg.max_epochs=1", "train_cfg.val_interval=1", "train_dataloader.batch_size=8", "fold=2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data")
    write_archive(folder / "pathogait.gait.h5", PATHOGAIT)
    return {"MMGAITEMO_EGAIT": str(write_pair(folder, persons=5)), "MMGAITEMO_PATHOGAIT": str(folder)}


@pytest.fixture(scope="module")
def encoder(data: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on the stand-in for E-Gait."""
    folder = tmp_path_factory.mktemp("egait")
    options = [*ENCODER, *SHORT, "default_hooks.checkpoint.interval=1", "model.queue.size=37"]
    done = run_here("tools/train.py", ROOT / "configs/ssal_egait.py", "--cfg-options", *options, cwd=folder, env=data)
    assert done.returncode == 0, done.stderr
    return folder / "work_dirs/ssal_egait/epoch_1.pth"


def test_encoder_of_another_data_set_is_probed_and_the_preparation_is_said(
    encoder: Path, data: dict[str, str], tmp_path: Path
) -> None:
    options = ["--encoder", encoder, "--cfg-options", *ENCODER, *SHORT, "default_hooks.checkpoint.interval=1"]
    done = run_here("tools/train.py", LINEAR, *options, cwd=tmp_path, env=data)
    assert done.returncode == 0, done.stderr
    said = next(line for line in done.stdout.splitlines() if line.startswith("transfer:"))
    assert "pipeline.order" in said and "pipeline.cycles" in said
    probe = tmp_path / "work_dirs/linear_pathogait/epoch_1.pth"
    before, after = (read_checkpoint(str(path))["state_dict"] for path in (encoder, probe))
    assert all((after[key] == value).all() for key, value in before.items() if key.startswith("backbone."))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.data_preprocessor.skeleton", "kinect25"),
        ("model.data_preprocessor.stream", "bone"),
        ("model.backbone.image", None),
    ],
)
def test_another_network_or_skeleton_is_refused(key: str, value: str | None, encoder: Path) -> None:
    cfg = load_config(LINEAR, {**TINY_ENCODER, key: value})
    with pytest.raises(CheckpointError, match=key):
        check_encoder(read_checkpoint(str(encoder)), cfg, str(encoder))


def test_other_preparation_of_the_same_walks_is_refused(encoder: Path) -> None:
    cfg = load_config(ROOT / "configs/downstream/linear_egait.py", TINY_ENCODER)
    assert check_encoder(read_checkpoint(str(encoder)), cfg, str(encoder)) == []
    cfg.val_dataloader.dataset.pipeline.time.length = 60
    with pytest.raises(CheckpointError, match=r"pipeline\.time\.length"):
        check_encoder(read_checkpoint(str(encoder)), cfg, str(encoder))

"""Count what a config's network costs: parameters, and multiply-accumulates of one walk.

python tools/analysis/get_flops.py configs/ssal_synthgait.py
python tools/analysis/get_flops.py configs/ssal_egait_medium.py --frames 96

Counted are matrix products and convolutions as they are implemented, with weights not yet trained; the FFT, norms,
activations and sums are left out. No data is needed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmgaitemo.benchmark.operations import flops
from mmgaitemo.cli import load_complete, plain_errors
from mmgaitemo.config import explained
from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.overrides import Overrides, setting_at
from mmgaitemo.registry import MODELS

LENGTH = "val_dataloader.dataset.pipeline.time.length"


def frames_of(cfg: Config) -> int:
    """The frames that the pipeline of the held-out walks leaves.

    Raises:
        ConfigError: The config does not say.
    """
    frames = setting_at(cfg._cfg_dict, LENGTH)
    if not isinstance(frames, int):
        raise ConfigError(LENGTH, "the config names no length of a walk", found=frames, remedy="pass --frames")
    return frames


def count(model: Any, frames: int) -> list[tuple[str, int, int]]:
    """Rows (part, parameters, multiply-accumulates): the encoder, and the head on its vectors.

    Args:
        model: A built algorithm: ``data_preprocessor``, ``backbone`` and ``head``.
        frames: T of the walk.
    """
    joints = model.data_preprocessor.skeleton.num_joints
    batch = {"inputs": torch.zeros(1, 3, frames, joints), "label": torch.zeros(1, dtype=torch.int64), "id": ["walk"]}
    with torch.no_grad():
        inputs = model.eval().data_preprocessor(batch, False)["inputs"]  # makes the streams of them
        vectors = model.extract_feat(inputs)
        operations = {
            "encoder": flops(lambda: model.backbone(inputs)),
            "head": flops(lambda: model.head(vectors)),
        }
    sizes = {"encoder": model.backbone.parameters(), "head": model.head.parameters()}
    return [(name, sum(map(torch.numel, sizes[name])), count // 2) for name, count in operations.items()]


def main() -> None:
    """Build, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="pre-training or downstream config")
    parser.add_argument("--frames", type=int, help="T of a walk; default: what the config's pipeline leaves")
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, help="overrides of the config")
    args = parser.parse_args()
    cfg = load_complete(args.config, args.cfg_options)
    frames = frames_of(cfg) if args.frames is None else args.frames
    if frames < 1:
        raise ConfigError("--frames", "a walk has frames", found=frames, remedy="48 is usual")
    init_default_scope(cfg.default_scope)
    try:
        model = MODELS.build(cfg.model)
        rows = count(model, frames)
    except GaitError:
        raise
    except Exception as error:
        raise explained(error, cfg, "the network cannot be built, or cannot take a walk of this length") from error
    joints = model.data_preprocessor.skeleton
    print(f"{args.config}: a walk of {frames} frames, {joints.num_joints} joints ({joints.name})")
    for name, parameters, macs in rows:
        print(f"{name:<8} {parameters:>12,} parameters {macs:>16,} multiply-accumulates")


if __name__ == "__main__":
    with plain_errors():
        main()

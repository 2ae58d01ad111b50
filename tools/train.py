"""Train what a config describes: pre-training, probes and supervised baselines alike.

python tools/train.py configs/ssal_egait.py
python tools/train.py configs/downstream/linear_egait.py --encoder work_dirs/ssal_egait/epoch_300.pth
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

from mmengine.runner import Runner, find_latest_checkpoint

from mmgaitemo.cli import add_common_arguments, config_from, plain_errors
from mmgaitemo.config import preflight
from mmgaitemo.errors import CheckpointError, ConfigError


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    parser.add_argument("--encoder", help="pre-trained checkpoint for a downstream config, or 'untrained'")
    parser.add_argument("--amp", action="store_true", help="bfloat16 autocast")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="go on with an interrupted run: its last checkpoint, or the checkpoint named here",
    )
    parser.add_argument("--overwrite", action="store_true", help="train anew in a work_dir that holds a run")
    return parser.parse_args()


def main() -> None:
    """Check everything, then train."""
    args = parse_args()
    cfg = config_from(args)
    if args.encoder:
        if "encoder" not in cfg.model:
            raise ConfigError(args.config, "takes no --encoder", remedy="use a config from configs/downstream")
        cfg.model.encoder = args.encoder
    if args.amp:
        cfg.optim_wrapper.type = "AutocastOptimWrapper"
    last = Path(cfg.work_dir) / "last_checkpoint"
    if args.resume:
        if args.resume == "auto" and not last.is_file():
            raise CheckpointError(cfg.work_dir, "holds no run to resume", remedy="start without --resume")
        cfg.resume = True
        cfg.load_from = find_latest_checkpoint(cfg.work_dir) if args.resume == "auto" else args.resume
    elif last.is_file() and not args.overwrite:
        raise ConfigError(
            cfg.work_dir,
            "already holds the checkpoints of a run",
            remedy="pass --work-dir with another folder, --resume to go on with that run, or --overwrite",
        )
    preflight(cfg).init_weights()
    Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    with plain_errors():
        main()

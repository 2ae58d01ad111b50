"""Evaluate a checkpoint: the kNN probe for a pre-training config, the classifier for a downstream one.

python tools/test.py configs/ssal_egait.py CKPT
python tools/test.py configs/downstream/linear_egait.py CKPT --out scores.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

from mmengine.runner import Runner

from mmgaitemo.cli import add_common_arguments, config_from, plain_errors
from mmgaitemo.config import preflight
from mmgaitemo.errors import ConfigError
from mmgaitemo.models.encoder_io import check_state, check_unseen, read_checkpoint
from mmgaitemo.provenance import check_made_with


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    parser.add_argument("checkpoint", help="checkpoint written by tools/train.py")
    parser.add_argument("--out", help="JSON file for label, prediction and scores of every sample, by its id")
    parser.add_argument("--confusion", help="PNG file for the confusion picture; default WORK_DIR/confusion.png")
    return parser.parse_args()


def main() -> None:
    """Check everything, then test."""
    args = parse_args()
    cfg = config_from(args, "val_dataloader", "val_evaluator")
    cfg.work_dir = args.work_dir or str(Path(cfg.work_dir) / "test")  # beside the run's own config, not over it
    cfg.load_from = args.checkpoint
    for path, suffix in ((args.out, ".json"), (args.confusion, ".png")):
        if path is not None and (Path(path).suffix != suffix or Path(path).is_dir()):
            raise ConfigError(path, f"must be the name of a {suffix} file", remedy=f"end it in {suffix}")
    cfg.val_evaluator.out = args.out
    cfg.val_evaluator.confusion = args.confusion or str(Path(cfg.work_dir) / "confusion.png")
    built, checkpoint = preflight(cfg), read_checkpoint(args.checkpoint)
    check_state(built.model, checkpoint["state_dict"], args.checkpoint)
    check_made_with(checkpoint, cfg, ("model", "val_dataloader.dataset.pipeline"), args.checkpoint)
    check_unseen(checkpoint, built.datasets["val_dataloader.dataset"], args.checkpoint)
    Runner.from_cfg(cfg).val()


if __name__ == "__main__":
    with plain_errors():
        main()

"""Train what a config describes: pre-training, probes and supervised baselines alike.

python tools/train.py configs/ssal_egait.py
python tools/train.py configs/downstream/linear_egait.py --encoder work_dirs/ssal_egait/epoch_200.pth
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

from mmengine.runner import Runner

from mmgaitemo.cli import add_common_arguments, config_from, plain_errors
from mmgaitemo.errors import CheckpointError, ConfigError
from mmgaitemo.models.algorithms.gait_classifier import UNTRAINED
from mmgaitemo.models.encoder_io import check_state, check_unseen, read_checkpoint
from mmgaitemo.provenance import ENCODER, SCHEDULE, check_made_with
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.rehearsal import rehearse


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
    """Check everything, rehearse a step, then train."""
    args = parse_args()
    cfg = config_from(args)
    if args.encoder is not None:
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
        # By its name in the work_dir: MMEngine notes an absolute path, and folders move.
        if args.resume == "auto":
            noted = Path(last.read_text(encoding="utf-8").strip())
            here = last.parent / noted.name
            cfg.load_from = str(here if here.is_file() else noted)
        else:
            cfg.load_from = args.resume
    elif last.is_file() and not args.overwrite:
        raise ConfigError(
            cfg.work_dir,
            "already holds the checkpoints of a run",
            remedy="pass --work-dir with another folder, --resume to go on with that run, or --overwrite",
        )
    if not args.resume and cfg.get("resume"):  # the config of a resumed run, used for a new one
        cfg.update(resume=False, load_from=None)
    rehearse(cfg)
    encoder = cfg.model.get("encoder")
    if encoder not in (None, UNTRAINED):
        checkpoint = read_checkpoint(encoder)
        check_made_with(checkpoint, cfg, ENCODER, encoder)
        if cfg.get("val_dataloader"):
            check_unseen(checkpoint, DATASETS.build(cfg.val_dataloader.dataset), encoder)
    if cfg.resume and cfg.load_from is not None:
        checkpoint = read_checkpoint(cfg.load_from)
        check_made_with(checkpoint, cfg, SCHEDULE, cfg.load_from)
        check_state(MODELS.build(cfg.model), checkpoint["state_dict"], cfg.load_from)
        if missing := {"meta", "message_hub", "optimizer", "param_schedulers"} - set(checkpoint):
            raise CheckpointError(cfg.load_from, "cannot be resumed", found=f"no {missing}", remedy="start a new run")
    if args.overwrite:
        last.unlink(missing_ok=True)  # a later --resume must not go on with the run that is now written over
    Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    with plain_errors():
        main()

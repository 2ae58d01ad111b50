"""Train what a config describes: pre-training, probes and supervised baselines alike.

python tools/train.py configs/ssal_egait.py
python tools/train.py configs/downstream/linear_egait.py --encoder work_dirs/ssal_egait/epoch_100.pth
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too

from mmengine.runner import Runner

from mmgaitemo.cli import add_common_arguments, config_from, plain_errors
from mmgaitemo.errors import CheckpointError, ConfigError
from mmgaitemo.memory import keep_freed_memory
from mmgaitemo.models.algorithms.gait_classifier import UNTRAINED
from mmgaitemo.models.encoder_io import check_state, check_unseen, read_checkpoint
from mmgaitemo.provenance import SCHEDULE, check_encoder, check_made_with
from mmgaitemo.rehearsal import rehearse
from mmgaitemo.work_dir import AUTO, only_run_in, starting_point


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    parser.add_argument("--encoder", help="pre-trained checkpoint for a downstream config, or 'untrained'")
    parser.add_argument("--amp", action="store_true", help="bfloat16 autocast")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=AUTO,
        help="go on with an interrupted run: its last checkpoint, or the checkpoint named here",
    )
    parser.add_argument("--overwrite", action="store_true", help="train anew in a work_dir that holds a run")
    return parser.parse_args()


def main() -> None:
    """Check everything, rehearse a step, then train."""
    args = parse_args()
    keep_freed_memory()
    cfg = config_from(args)
    if args.encoder is not None:
        if "encoder" not in cfg.model:
            raise ConfigError(args.config, "takes no --encoder", remedy="use a config from configs/downstream")
        cfg.model.encoder = args.encoder
    if args.amp:
        cfg.optim_wrapper.type = "AutocastOptimWrapper"
    work_dir = Path(cfg.work_dir)
    start = starting_point(work_dir, args.resume, args.overwrite)
    if start is not None or cfg.get("resume"):  # a config of a resumed run says so, and may be used for a new one
        cfg.update(resume=start is not None, load_from=start)
    built = rehearse(cfg)
    encoder = cfg.model.get("encoder")
    if encoder not in (None, UNTRAINED):
        checkpoint = read_checkpoint(encoder)
        if prepared := check_encoder(checkpoint, cfg, encoder):
            print(f"transfer: the encoder comes from other recordings, prepared otherwise in {', '.join(prepared)}")
        if held_out := built.datasets.get("val_dataloader.dataset"):
            check_unseen(checkpoint, held_out, encoder)
    if start is not None:
        checkpoint = read_checkpoint(start)
        check_made_with(checkpoint, cfg, SCHEDULE, start)
        check_state(built.model, checkpoint["state_dict"], start)
        needed = {"message_hub", "optimizer"} | ({"param_schedulers"} if cfg.get("param_scheduler") else set())
        needed -= set(checkpoint)
        if missing := needed | ({"epoch", "iter"} - set(checkpoint["meta"])):
            raise CheckpointError(start, "cannot be resumed", found=f"no {sorted(missing)}", remedy="start a new run")
    with only_run_in(work_dir):
        if args.overwrite:  # a later --resume must not go on with the run that is now written over
            (work_dir / "last_checkpoint").unlink(missing_ok=True)
        Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    with plain_errors("interrupted; --resume goes on from the last checkpoint, if there is one yet"):
        main()

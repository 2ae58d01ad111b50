"""Draw the walks of a config in the space of an encoder: t-SNE, or PCA where there are fewer than ten.

python tools/analysis/vis_embedding.py configs/ssal_synthgait.py work_dirs/ssal_synthgait/epoch_20.pth embedding.png
python tools/analysis/vis_embedding.py configs/ssal_egait.py untrained untrained.png --cfg-options fold=1

The walks are the held-out ones, or with --split train those that the encoder was trained on, where classes lie apart
more easily than they should. Islands and distances in such a picture mean little: two classes that overlap may still
be parted by a probe, and the other way round. Read it beside numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import numpy as np
import torch

from mmgaitemo.cli import load_complete, plain_errors
from mmgaitemo.config import ROLES, preflight
from mmgaitemo.errors import ConfigError
from mmgaitemo.evaluation import extract_features
from mmgaitemo.evaluation.features import prepare_untrained
from mmgaitemo.models.algorithms.gait_classifier import UNTRAINED
from mmgaitemo.models.encoder_io import check_unseen, load_encoder, read_checkpoint
from mmgaitemo.models.initial import initialise
from mmgaitemo.overrides import Overrides
from mmgaitemo.provenance import check_encoder
from mmgaitemo.visualization import draw_embedding

MOST = 3000  # walks drawn; t-SNE of more takes minutes
SPLITS = {"test": ROLES[1], "train": ROLES[0]}


def main() -> None:
    """Load, extract, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="pre-training or downstream config")
    parser.add_argument("checkpoint", help="checkpoint of tools/train.py, or 'untrained'")
    parser.add_argument("out", help="PNG file")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which walks (default test: the held-out ones)")
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, help="overrides of the config, e.g. fold=1")
    args = parser.parse_args()
    if Path(args.out).suffix != ".png":  # known before anything is computed
        raise ConfigError(args.out, "pictures are PNG files", remedy="end it in .png")
    cfg = load_complete(args.config, args.cfg_options, "val_dataloader")
    torch.manual_seed(cfg.randomness.seed)  # of an untrained encoder
    built = preflight(cfg)
    dataset = built.datasets[SPLITS[args.split]]
    if args.checkpoint == UNTRAINED:
        initialise(built.model)
        prepare_untrained(built.model, built.datasets[SPLITS["train"]])
    else:
        checkpoint = read_checkpoint(args.checkpoint)
        check_encoder(checkpoint, cfg, args.checkpoint)
        if args.split == "test":
            check_unseen(checkpoint, dataset, args.checkpoint)
        load_encoder(built.model.backbone, args.checkpoint)
    features, labels, _ = extract_features(built.model, dataset)
    chosen = np.sort(np.random.default_rng(0).permutation(len(features))[:MOST])
    title = f"{args.split} walks, encoder {Path(args.checkpoint).name}"
    classes = list(dataset.metainfo["classes"])
    draw_embedding(args.out, features.numpy()[chosen], labels.numpy()[chosen], classes, title=title)
    print(f"{args.out}: {len(chosen)} of {len(features)} {args.split} walks, {features.shape[1]} features each")


if __name__ == "__main__":
    with plain_errors():
        main()

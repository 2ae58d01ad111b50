"""Draw a walk of a config's data set and the views a pre-training config makes of it.

python tools/analysis/draw_views.py configs/ssal_synthgait.py docs/images/views.png --seed 5
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmengine.config import DictAction

from mmgaitemo.augmentation import ContrastiveViews
from mmgaitemo.cli import plain_errors
from mmgaitemo.config import load_config, preflight
from mmgaitemo.errors import ConfigError
from mmgaitemo.registry import DATASETS
from mmgaitemo.visualization import draw_views

TITLES = {"key": "general view\ns1, to the key encoder", "query": "general view\ns2", "strong": "strong view\ns3"}


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="pre-training config")
    parser.add_argument("out", help="PNG file")
    parser.add_argument("--sample", type=int, default=0, help="index of the walk in the training set")
    parser.add_argument("--seed", type=int, default=0, help="seed of the views")
    parser.add_argument("--frames", type=int, default=6, help="frames drawn of each view")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="overrides of the config")
    args = parser.parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.model.data_preprocessor.stream = "joint"  # bones and motions are no positions to draw
    preprocessor = preflight(cfg).model.data_preprocessor
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    if not isinstance(preprocessor.views, ContrastiveViews):
        raise ConfigError(args.config, "has no contrastive views to draw", remedy="use a pre-training config")
    if not 0 <= args.sample < len(dataset):
        raise ConfigError("--sample", f"there are {len(dataset)} walks", found=args.sample, remedy="count from 0")
    sample = dataset[args.sample]
    batch = {"inputs": sample["inputs"][None], "label": sample["label"][None], "id": [sample["id"]]}
    preprocessor.seed(args.seed)
    views = preprocessor(batch, training=True)["inputs"]
    pictures = {"walk\nas the pipeline leaves it": sample["inputs"], **{TITLES[k]: v[0] for k, v in views.items()}}
    draw_views(
        args.out,
        {name: view.permute(1, 2, 0).numpy() for name, view in pictures.items()},
        preprocessor.skeleton,
        frames=args.frames,
        title=f"{sample['id']}: a walk and its views",
    )


if __name__ == "__main__":
    with plain_errors():
        main()

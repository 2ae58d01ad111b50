"""Write which walks keep their label at 1, 5, 10, 20 and 50 % of the labels, or check such a file against the data.

python tools/analysis/label_lists.py configs/downstream/semi_synthgait.py --out my_lists.json
python tools/analysis/label_lists.py configs/downstream/semi_synthgait.py --out configs/splits/synthgait.json --check

The lists are class-balanced (each class keeps its share, at least one walk) and nested (a larger one contains the
smaller). The file holds indices and hashes, no ids. Checking ends with exit code 1 where the data give other lists.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import load_complete, plain_errors
from mmgaitemo.datasets.base import SkeletonDataset
from mmgaitemo.datasets.label_lists import check_label_lists, make_label_lists, write_label_lists
from mmgaitemo.errors import ConfigError
from mmgaitemo.overrides import Overrides
from mmgaitemo.registry import DATASETS


def main() -> None:
    """Read the data once, then draw or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="whose train_dataloader.dataset")
    parser.add_argument("--out", required=True, type=Path, help="label file (JSON) to write, or to check")
    parser.add_argument("--folds", type=int, nargs="+", help="folds held out; default all")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)), help="seeds of the draws")
    parser.add_argument("--check", action="store_true", help="compare an existing file, with its own folds and seeds")
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, help="overrides of the config")
    args = parser.parse_args()
    described = load_complete(args.config, args.cfg_options).train_dataloader.dataset
    dataset = DATASETS.build({**described, "lazy_init": True})
    if not isinstance(dataset, SkeletonDataset):
        raise ConfigError(
            "train_dataloader.dataset", "has no folds to hold out", found=described.type, remedy="use a single data set"
        )
    if args.check:
        check_label_lists(args.out, dataset)
        print(f"{args.out}: the data give the same lists")
        return
    if args.out.exists():
        raise ConfigError(str(args.out), "exists already", remedy="compare with --check, or remove it first")
    content = make_label_lists(dataset, args.folds, args.seeds)
    write_label_lists(args.out, content)
    print(f"{args.out}: {len(content['lists'])} lists, sha256 {content['sha256']}")


if __name__ == "__main__":
    with plain_errors():
        main()

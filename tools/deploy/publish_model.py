"""Make one file of a trained classifier, for inference: stripped, measured on the held-out fold, named by its hash.

python tools/deploy/publish_model.py work_dirs/linear_synthgait/epoch_100.pth --out models

Weights of data that are marked "not to be passed on" are refused.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.apis.publish import Statement, publish
from mmgaitemo.apis.published import load_published
from mmgaitemo.cli import plain_errors
from mmgaitemo.errors import ConfigError


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="checkpoint of a downstream config, written by tools/train.py")
    parser.add_argument("--out", required=True, type=Path, help="folder for NAME-HASH.pth")
    parser.add_argument("--name", help="of the model; default: of its config")
    parser.add_argument("--licence", help="terms of the training data, where they do not state them")
    parser.add_argument("--rate", type=float, help="frames per second of walks that do not say theirs (E-Gait: 30)")
    parser.add_argument("--imports", nargs="+", default=[], help="modules that register parts of your own")
    parser.add_argument(
        "--allow-unpublishable", action="store_true", help="write a file of data that is not to be passed on, for you"
    )
    return parser.parse_args()


def main() -> None:
    """Publish, and say what the model is worth."""
    args = parse_args()
    for module in args.imports:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError("--imports", f"{module} cannot be imported", found=error, remedy="correct it") from error
    says = Statement(args.name, args.licence, args.rate, args.allow_unpublishable)
    print(load_published(publish(args.checkpoint, args.out, says)).summary())


if __name__ == "__main__":
    with plain_errors():
        main()

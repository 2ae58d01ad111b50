"""Print a config as a run would use it: bases merged, overrides applied, the fold given to every data set.

python tools/analysis/print_config.py configs/ssal_egait.py --cfg-options fold=2 model.drop=None
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.config import load_config
from mmgaitemo.overrides import Overrides


def main() -> None:
    """Load and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="config file; the printed text is one again")
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, help="overrides of the config")
    args = parser.parse_args()
    print(load_config(args.config, args.cfg_options).pretty_text)


if __name__ == "__main__":
    with plain_errors():
        main()

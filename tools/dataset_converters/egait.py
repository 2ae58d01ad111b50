r"""Convert E-Gait's native pair of files to a gait archive.

python tools/dataset_converters/egait.py data/egait egait.gait.h5
python tools/dataset_converters/egait.py data/egait elmd.gait.h5 --features features_ELMD.h5 --labels labels_ELMD.h5 \
    --folds '' --frame-step 5

The walks stay as they are, to the last bit, and keep their keys as ids. Persons, acted emotions and sources come from
FOLDER/folds.csv where there is one. Without it every gait counts as a person of its own: splits then leak persons.
Numbers of gaits and frames are compared with the documented ones; a difference is a warning, not an error.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

from mmgaitemo.cli import plain_errors
from mmgaitemo.conversion.egait import ELMD, OWN, NativeGaits, Part, read_native
from mmgaitemo.conversion.run import add_conversion_arguments, run_conversion
from mmgaitemo.datasets.gait_dataset import CLASS_NOTE, EGAIT_CLASSES
from mmgaitemo.errors import ConfigError


def main() -> int:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", help="folder of the files")
    add_conversion_arguments(parser)
    parser.add_argument("--features", default="features.h5", metavar="NAME", help="default features.h5")
    parser.add_argument("--labels", default="labels.h5", metavar="NAME", help="default labels.h5")
    parser.add_argument("--folds", metavar="NAME", help="persons of the gaits; default folds.csv where there is one")
    parser.add_argument("--frame-step", type=int, default=1, metavar="N", help="keep every N-th frame (default 1)")
    parser.add_argument(
        "--assume-rate",
        type=float,
        metavar="HZ",
        help="frames per second of the files (about 30, but undocumented; default: not known)",
    )
    args = parser.parse_args()
    if args.frame_step < 1:
        raise ConfigError("--frame-step", "is impossible", found=args.frame_step, remedy="use 1 to keep all frames")
    folder = Path(args.folder)
    folds = folder / ("folds.csv" if args.folds is None else args.folds)
    without = args.folds == "" or (args.folds is None and not folds.exists())
    gaits = read_native(folder / args.features, folder / args.labels, None if without else folds, args.frame_step)
    rate = None if args.assume_rate is None else args.assume_rate / args.frame_step
    sources, info = gaits.sources(str(folder / args.features), rate)
    _compare(gaits, ELMD if "elmd" in args.features.lower() else OWN, without)
    return run_conversion(args, sources, info, dtype="float64")


def _compare(gaits: NativeGaits, part: Part, without_persons: bool) -> None:
    """Print the counts, and what is not as documented."""
    console = Console(width=max(100, Console().width), highlight=False)
    table = Table("source", *(f"{number} {name}" for number, name in enumerate(EGAIT_CLASSES)), "all")
    for row in gaits.counts():
        table.add_row(*map(Text, row))
    console.print(table)
    differences = gaits.differences(part)
    lines = [f"warning: not as documented for E-Gait's {part.name}: {line}" for line in differences]
    lines = lines or [f"numbers of gaits, labels and frames are as documented for E-Gait's {part.name}"]
    if without_persons:
        lines.append("warning: no fold file says who walks: every gait counts as a person of its own")
    for line in [*lines, f"note: {CLASS_NOTE}"]:
        console.print(Text(line), soft_wrap=True)


if __name__ == "__main__":
    with plain_errors():
        sys.exit(main())

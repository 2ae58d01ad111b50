"""How much memory a data set takes: opened, and read for an epoch, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from torch.utils.data import DataLoader

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.datasets import GaitDataset, gait_collate
from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks

PIPELINE = dict(order=("time", "pack"), time=dict(type="TileCyclic", length=48), pack=dict(type="PackGait"))
INPUT_BYTES = 3 * 48 * 16 * 4  # of a walk that has left this pipeline


def peak_mib(walks: int) -> float:
    """Largest resident memory in MiB, with Python and PyTorch, over opening an archive and one shuffled epoch.

    Args:
        walks: In the archive, at least 20.

    Raises:
        CalledProcessError: The process failed, as it does where there is no /proc (Linux has it).
    """
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder) / "walks.gait.h5", walks)
        command = [sys.executable, "-m", "mmgaitemo.benchmark.memory", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout.splitlines()[-1])


def write_archive(path: Path, walks: int) -> None:
    """An archive of so many walks of five synthetic persons, over and over."""
    cast = synthetic_walks(5, 1, seed=0)
    with ArchiveWriter(path, ArchiveInfo("egait16", "body", "y", label_names=MOODS)) as archive:
        for number in range(walks):
            walk = cast[number % len(cast)]
            archive.append(walk.positions, id=f"walk {number}", subject=walk.person, label=MOODS[walk.label])


def main(folder: str) -> None:
    """Open and read; prints the peak."""
    files = dict(walks=dict(archive="walks.gait.h5"))
    data = GaitDataset(data_root=folder, files=files, pipeline=PIPELINE, classes=MOODS, fold_file=None)
    for _ in DataLoader(data, batch_size=64, shuffle=True, collate_fn=gait_collate):
        pass
    # Not getrusage: that counts what the process that started this one had.
    print(int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))[0]) / 1024)


if __name__ == "__main__":
    main(sys.argv[1])

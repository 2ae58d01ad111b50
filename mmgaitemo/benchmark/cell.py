"""A short pre-training in a process of its own: a cell of a study, or a rank of a distributed run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

import mmgaitemo.benchmark.layouts  # noqa: F401 (registers the walks)
from mmgaitemo.benchmark.runs import train_epochs
from mmgaitemo.compat import prepare_distributed
from mmgaitemo.errors import TrainingError


def start(config: Path, epochs: int, threads: int, ranks: int = 0) -> subprocess.Popen[str]:
    """Start a cell; ``finish`` gives what it has measured.

    Args:
        config: A dumped config.
        epochs: That count.
        threads: Of each process.
        ranks: Processes of a distributed run; 0 is a plain run.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"] if ranks else []
    command = [sys.executable, *launcher, "-m", "mmgaitemo.benchmark.cell", str(config), str(epochs)]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(cell: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a cell: ``threads`` it used and ``seconds`` of its epochs.

    Raises:
        TrainingError: It failed; with what it said.
    """
    try:
        out, err = cell.communicate()
    finally:  # however it ends, the cell does not go on unseen
        cell.kill()
    if cell.returncode:
        raise TrainingError(
            "a cell of the benchmark",
            f"failed with exit code {cell.returncode}",
            found=err[-3000:],
            remedy="mend that and start again",
        )
    return json.loads(out.splitlines()[-1])


def main(config: str, epochs: str) -> None:
    """Train and print what was measured."""
    cfg = Config.fromfile(config)
    if "RANK" in os.environ:
        cfg.launcher = "pytorch"
        prepare_distributed(cfg)
    seconds = [sum(epoch.values()) for epoch in train_epochs(cfg, int(epochs), "cpu")]
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps({"threads": torch.get_num_threads(), "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])

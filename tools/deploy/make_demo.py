"""Train the demonstration model that comes with the package, anew and to the same bits.

python tools/deploy/make_demo.py                 # writes mmgaitemo/models_zoo/demonstration-HASH.pth
python tools/deploy/make_demo.py --out elsewhere

SSAL on the synthetic walkers, fine-tuning with a classifier, and tools/deploy/publish_model.py, on one thread. The same
processor and the versions of requirements/constraints.txt give the same hash; others may differ in the last bits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bare checkout works too

import torch

from mmgaitemo.apis.publish import Statement, publish
from mmgaitemo.apis.published import SHIPPED, load_published
from mmgaitemo.cli import plain_errors
from mmgaitemo.config import load_config
from mmgaitemo.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
NAME, DATE = "demonstration", "2026-11-21"  # of these settings; the day of a training would change the hash
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
STAGES = ("ssal", "finetune")


def main() -> None:
    """Train, publish, and take the place of the model that was there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder; default: where the package looks for it")
    out = parser.parse_args().out
    if out.exists() and not out.is_dir():  # known before minutes of training
        raise ConfigError(str(out), "is no folder", remedy="name a folder for --out")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        encoder: list[str] = []
        for stage in STAGES:
            config, work_dir = ROOT / "configs" / "demo" / f"{stage}.py", Path(folder) / stage
            train = [sys.executable, str(ROOT / "tools" / "train.py"), str(config), "--work-dir", str(work_dir)]
            done = subprocess.run([*train, *encoder], env={**os.environ, **ONE_THREAD})
            if done.returncode:
                sys.exit(done.returncode)  # it has said why
            checkpoint = work_dir / f"epoch_{load_config(config).train_cfg.max_epochs}.pth"
            encoder = ["--encoder", str(checkpoint)]
        path = publish(checkpoint, out, Statement(name=NAME, demonstration=True, date=DATE))
    for old in set(out.glob(f"{NAME}-*.pth")) - {path}:
        old.unlink()
    print(load_published(path).summary())


if __name__ == "__main__":
    with plain_errors():
        main()

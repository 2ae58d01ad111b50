"""One rank of distributed runs: train one config after the other, and leave this rank's queue of each behind."""

import os
import sys
from pathlib import Path

import torch
from mmengine.runner import Runner

from mmgaitemo.compat import prepare_distributed
from mmgaitemo.config import load_config

torch.set_num_threads(1)
for path in sys.argv[1:]:
    cfg = load_config(path)
    prepare_distributed(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    torch.save(runner.model.module.queue.state_dict(), Path(cfg.work_dir) / f"rank{os.environ['RANK']}.pth")

"""One rank of a distributed run: train a config and leave this rank's queue behind."""

import os
import sys
from pathlib import Path

import torch
from mmengine.runner import Runner

from mmgaitemo.compat import prepare_distributed
from mmgaitemo.config import load_config

torch.set_num_threads(1)
cfg = load_config(sys.argv[1])
prepare_distributed(cfg)
runner = Runner.from_cfg(cfg)
runner.train()
torch.save(runner.model.module.queue.state_dict(), Path(cfg.work_dir) / f"rank{os.environ['RANK']}.pth")

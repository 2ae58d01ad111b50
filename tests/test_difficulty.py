"""The synthetic walkers are no toy: posture alone does not give the mood away, movement does."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from runs import ROOT
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from mmgaitemo.config import load_config
from mmgaitemo.models import STGCN
from mmgaitemo.registry import DATASETS

EPOCHS, BATCH, RATE = 12, 32, 6e-3


def test_mean_pose_stays_below_seventy_percent_and_a_supervised_stgcn_passes_ninety() -> None:
    cfg = load_config(ROOT / "configs" / "ssal_synthgait.py")
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.num_folds = 3  # 20 unseen persons: a fold of 12 decides too much by chance
    train, held_out = (DATASETS.build(loader.dataset) for loader in (cfg.train_dataloader, cfg.val_dataloader))
    poses, unseen = (data.inputs.mean(2).flatten(1).numpy() for data in (train, held_out))
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(poses, train.labels)
    assert 0.3 < linear.score(unseen, held_out.labels) < 0.7

    torch.manual_seed(0)
    encoder = STGCN("egait16", channels=(16, 32, 32), strides=(2, 2, 1))
    model = nn.Sequential(encoder, nn.Linear(encoder.out_channels, 4)).train()
    steps = len(train) // BATCH
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=EPOCHS * steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(train))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            optimiser.zero_grad()
            F.cross_entropy(model(train.inputs[rows]), train.labels[rows]).backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        accuracy = (model.eval()(held_out.inputs).argmax(1) == held_out.labels).float().mean()
    assert accuracy > 0.9

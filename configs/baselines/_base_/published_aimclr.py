# AimCLR with the settings of its public code, but for the switches of aimclr_published.py.
_base_ = ["published.py", "aimclr.py"]
model = dict(mining=dict(type="NearestNeighbourMining", begin=_base_.train_cfg.max_epochs // 2), **_base_.method)

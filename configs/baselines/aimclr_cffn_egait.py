# AimCLR on E-Gait: encoder, schedule and queue of configs/ssal_egait.py.
_base_ = ["../ssal_egait.py", "_base_/aimclr.py"]
model = dict(mining=dict(type="NearestNeighbourMining", begin=_base_.train_cfg.max_epochs // 2), **_base_.method)

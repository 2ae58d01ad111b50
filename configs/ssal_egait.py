# SSAL on E-Gait: python tools/train.py configs/ssal_egait.py
_base_ = ["_base_/ssal.py", "_base_/egait.py"]
val_cfg = dict(bank=_base_.bank)

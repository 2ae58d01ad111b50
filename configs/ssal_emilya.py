# SSAL on Emilya: python tools/train.py configs/ssal_emilya.py
_base_ = ["_base_/ssal.py", "_base_/emilya.py"]
val_cfg = dict(bank=_base_.bank)

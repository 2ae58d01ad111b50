# SSAL on gait archives: a child names files and classes for train_dataloader, val_dataloader and val_cfg.bank.
_base_ = ["ssal.py", "archive.py"]
val_cfg = dict(bank=_base_.bank)

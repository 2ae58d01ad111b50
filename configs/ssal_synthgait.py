# The quick start: SSAL on synthetic walkers, in under three minutes on two CPU cores.
_base_ = ["_base_/ssal.py", "_base_/synthgait.py"]
train_cfg = dict(max_epochs=20, val_interval=10)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, end=20, T_max=18, convert_to_iter_based=True),
]
val_cfg = dict(bank=_base_.bank)
default_hooks = dict(checkpoint=dict(interval=5))

# SSAL on the pathological gaits, unlabelled; then kNN on the gait types of the person left out:
# python tools/train.py configs/ssal_pathogait.py --cfg-options fold=3
_base_ = ["_base_/ssal.py", "_base_/pathogait.py"]
val_cfg = dict(bank=_base_.bank)
train_cfg = dict(max_epochs=10, val_interval=10)  # of 79 steps: twice as many as 100 epochs of E-Gait's own part
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=1, end=10, T_max=9, convert_to_iter_based=True),
]

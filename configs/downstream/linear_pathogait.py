# Linear probe on the gait types of the person left out. The encoder comes from the same walks
# (configs/ssal_pathogait.py with the same fold), or from another data set of the same joints: transfer.
# python tools/train.py configs/downstream/linear_pathogait.py --encoder CKPT --cfg-options fold=3
_base_ = ["../_base_/linear.py", "../_base_/pathogait.py"]
model = dict(head=dict(num_classes=6))
train_cfg = dict(max_epochs=10, val_interval=10)  # of 79 steps: more than 100 epochs of E-Gait's own part
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, T_max=10, convert_to_iter_based=True)]
default_hooks = dict(checkpoint=dict(interval=10))

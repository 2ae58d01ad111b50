# Classifier of the demonstration model (tools/deploy/make_demo.py), from the encoder of configs/demo/ssal.py.
_base_ = "../downstream/finetune_synthgait.py"
pipeline = dict(time=dict(length=24, stride=2))
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
train_cfg = dict(max_epochs=40, val_interval=40)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, end=40, T_max=38, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=40))

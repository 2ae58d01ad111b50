# Pre-training of the demonstration model (tools/deploy/make_demo.py): synthetic walkers, at half the rate.
_base_ = "../ssal_synthgait.py"
pipeline = dict(time=dict(length=24, stride=2))
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
val_cfg = dict(bank=dict(pipeline=pipeline))

# Linear probe: frozen encoder, no augmentation.
_base_ = "classifier.py"
model = dict(frozen=True)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-2, weight_decay=1e-1, fused=True))
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=100)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, T_max=100, convert_to_iter_based=True)]

# Fine-tuning: everything is trained, from the pre-trained encoder, on general views.
_base_ = "classifier.py"
model = dict(
    head=dict(dropout=0.5),
    label_smoothing=0.1,
    data_preprocessor=dict(
        views=dict(
            type="SingleView",
            general=dict(
                order=("crop", "shear", "mirror"),
                crop=dict(type="TemporalCrop", padding_ratio=6),
                shear=dict(type="Shear", amplitude=0.1),
                mirror=dict(type="MirrorFlip", prob=0.5),
            ),
        )
    ),
)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3, weight_decay=1e-2, fused=True))
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=100)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, end=100, T_max=95, convert_to_iter_based=True),
]

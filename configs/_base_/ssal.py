# SSAL: views, losses, key encoder, queue and schedule. Values that differ from AimCLR's, from which SSAL descends, are
# marked; they follow from the size of gait data: hundreds of walks and steps, not tens of thousands.
_base_ = "cffn.py"
model = dict(
    type="SSAL",
    data_preprocessor=dict(
        views=dict(
            type="ContrastiveViews",
            general=dict(
                order=("crop", "shear"),
                crop=dict(type="TemporalCrop", padding_ratio=6),
                shear=dict(type="Shear", amplitude=0.15),  # AimCLR: 0.5; lean and swing carry the emotion
            ),
            strong=dict(
                order=("ssa",),
                ssa=dict(
                    type="SSA",
                    jitter=dict(type="UpperBodyJitter"),
                    mask=dict(type="RandomSpatiotemporalMask"),
                    selection="any",
                ),
            ),
            strong_includes_general=True,
        )
    ),
    head=dict(type="ProjectionHead", hidden_channels=128, out_channels=128, norm=True),  # AimCLR: norm=False
    queue=dict(type="KeyQueue", size=512, dim=128, mask_self=True),  # AimCLR: 32768, False
    loss_info=dict(type="InfoNCELoss", weight=1.0),  # alpha
    loss_divergence=dict(type="DistributionalDivergenceLoss", weight=1.0),  # beta
    drop=dict(type="SimAMDrop", threshold=0.7, branches=("graph",)),
    temperature=0.1,  # AimCLR: 0.07
)
default_hooks = dict(
    momentum=dict(type="MomentumUpdateHook", momentum=0.99, end_momentum=1.0),  # AimCLR: 0.999 throughout
    queue=dict(type="KeyQueueHook"),
)
optim_wrapper = dict(  # AimCLR: SGD with lr 0.1, momentum 0.9
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=1e-4, fused=True),
)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=25)  # two minutes; 400: docs/results.md
param_scheduler = [  # AimCLR: lr / 10 at epoch 250 of 300
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, end=100, T_max=95, convert_to_iter_based=True),
]
val_cfg = dict(type="KNNProbeLoop", k=20, temperature=0.1)
val_evaluator = dict(type="GaitMetric", prefix="knn")

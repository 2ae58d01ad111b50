# SSAL with the quarter-width ST-GCN of SkeletonCLR, CrosSCLR and AimCLR as its graph branch.
_base_ = "ssal_egait.py"
model = dict(
    backbone=dict(
        graph=dict(
            channels=(16, 16, 16, 16, 32, 32, 32, 64, 64, 256), strides=(1, 1, 1, 1, 2, 1, 1, 2, 1, 1), dropout=0.5
        ),
        image=dict(stem=16, channels=(32, 64), strides=(2, 1, 2)),
    )
)

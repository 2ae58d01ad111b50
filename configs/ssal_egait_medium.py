# SSAL with a wider encoder, three times the multiply-accumulates of the default.
_base_ = "ssal_egait.py"
model = dict(
    backbone=dict(
        graph=dict(channels=(16, 32, 64, 64), strides=(2, 1, 2, 1)),
        image=dict(stem=16, channels=(32, 64), strides=(2, 1, 2)),
    )
)

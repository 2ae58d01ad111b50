# SkeletonCLR (momentum contrast of general views; Li et al., CVPR 2021): SSAL without its strong view, on the
# quarter-width ST-GCN of its authors, with the gait presets' schedule and queue.
_base_ = "../ssal_egait_quarter.py"
model = dict(
    backbone=dict(image=None),
    data_preprocessor=dict(views=dict(strong=None)),
    loss_divergence=None,
    drop=None,
)

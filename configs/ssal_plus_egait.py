# SSAL with views, inputs and a third branch fit for gait, on E-Gait: python tools/train.py configs/ssal_plus_egait.py
# Each value that differs from configs/ssal_egait.py is a knob of its own; docs/experiments.md has what each is worth.
_base_ = "ssal_egait.py"
model = dict(
    backbone=dict(
        graph=dict(in_channels=6),  # three for each stream
        image=dict(in_channels=6),
        out_channels=32,  # of graph and image; SSAL's: 128
        statistics=dict(type="JointStatistics", skeleton="egait16", in_channels=6, symmetric=True),  # SSAL's: none
    ),
    data_preprocessor=dict(
        stream=("joint", "direction"),  # SSAL's: positions alone, in which bone lengths tell who walks
        views=dict(
            general=dict(
                order=("window", "crop", "shear", "yaw", "mirror"),
                window=dict(type="RandomWindow", length=24),  # a random phase of the gait, without a seam
                crop=None,  # what the window stands for: a shift, filled up with the walk played backwards
                shear=dict(amplitude=0.1),  # SSAL's: 0.15
                yaw=dict(type="RandomYaw", max_angle=8.0),  # degrees: the error of a recording's heading
                mirror=dict(type="MirrorFlip", prob=0.5),  # left-handed or right-handed, the emotion is the same
            ),
            strong=dict(ssa=dict(jitter=dict(law="near_identity"))),  # arms bent out of shape, still swinging
        ),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=dict(time=dict(length=48))))  # room for the window; tested on 24

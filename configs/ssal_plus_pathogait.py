# configs/ssal_plus_egait.py on pathological gaits: python tools/train.py configs/ssal_plus_pathogait.py
# No mirror here: these gaits are ill on one side, and the mirror hides which.
_base_ = "ssal_pathogait.py"
model = dict(
    backbone=dict(
        graph=dict(in_channels=6),  # three for each stream
        image=dict(in_channels=6),
        statistics=dict(type="JointStatistics", skeleton="egait16", in_channels=6, harmonics=8),  # SSAL's: none
        whitening=dict(type="NuisanceWhitening"),  # eight persons and six sensors, all of whom show all: SSAL's: none
    ),
    data_preprocessor=dict(
        stream=("joint", "direction"),  # SSAL's: positions alone, in which bone lengths tell who walks
        views=dict(
            general=dict(
                order=("window", "crop", "shear", "yaw"),
                window=dict(type="RandomWindow", length=24),  # a random phase of the gait, without a seam
                crop=None,  # what the window stands for: a shift, filled up with the walk played backwards
                shear=dict(amplitude=0.1),  # SSAL's: 0.15
                yaw=dict(type="RandomYaw", max_angle=8.0),  # degrees: the error of a recording's heading
            ),
            strong=dict(ssa=dict(jitter=dict(law="near_identity"))),  # arms bent out of shape, still swinging
        ),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=dict(time=dict(length=48))))  # room for the window; tested on 24
default_hooks = dict(whitening=dict(type="WhiteningHook", frames=24))

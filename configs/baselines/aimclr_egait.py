# AimCLR (Guo et al., AAAI 2022): its extreme view and nearest-neighbour mining from half of the schedule on, on the
# quarter-width ST-GCN of its authors, with the gait presets' schedule and queue. Its index swap of left and right,
# which crosses the limbs, is a true mirror here.
_base_ = "../ssal_egait_quarter.py"
model = dict(
    backbone=dict(image=None),
    data_preprocessor=dict(
        views=dict(
            strong=dict(
                _delete_=True,
                order=("mirror", "rotate", "noise", "blur", "axis"),
                mirror=dict(type="MirrorFlip", prob=0.5),
                rotate=dict(type="RandomRotate", main_angle=30, other_angle=1),
                noise=dict(type="GaussianNoise", std=0.01, prob=0.5),
                blur=dict(type="GaussianBlur", kernel=15, sigma=(0.1, 2.0), prob=0.5),
                axis=dict(type="AxisMask", prob=0.5),
            )
        )
    ),
    mining=dict(type="NearestNeighbourMining", begin=100, top_k=1),
)

# What makes SSAL AimCLR (Guo et al., AAAI 2022): its extreme view. A child adds the nearest-neighbour mining, from half
# of its schedule on. AimCLR's flip exchanged left and right joints without mirroring them; here it is a true mirror.
method = dict(
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
    )
)

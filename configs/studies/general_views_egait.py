# Study (f): which general augmentation T. Compositions of one and two, and one more beside crop and shear. By inner
# validation, because one may choose from it: each fold validates once, with the fold before it left out of everything.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/general_views_egait.py --jobs 4 \
#     --out docs/results/general_views_egait
_views = "model.data_preprocessor.views.general"
_more = dict(
    mirror=dict(type="MirrorFlip", prob=0.5),
    yaw=dict(type="RandomYaw", max_angle=8.0),
    rotate=dict(type="RandomRotate", main_angle=30, other_angle=1),
    noise=dict(type="GaussianNoise", std=0.01, prob=0.5),
    blur=dict(type="GaussianBlur", kernel=15, sigma=(0.1, 2.0), prob=0.5),
    axis=dict(type="AxisMask", prob=0.5),
    flip=dict(type="TimeFlip", prob=0.5),
)
_added = {
    name: dict(
        title=f"crop + shear + {name}",
        pretrain="../ssal_egait.py",
        changes={f"{_views}.order": ("crop", "shear", name), f"{_views}.{name}": step},
    )
    for name, step in _more.items()
}
study = dict(
    title="General augmentations of SSAL on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (2, 1), (3, 2), (4, 3), (0, 4)],
    seeds=[0, 1, 2],
    methods=dict(
        ssal=dict(title="crop + shear", pretrain="../ssal_egait.py"),
        crop=dict(title="crop", pretrain="../ssal_egait.py", changes={f"{_views}.shear": None}),
        shear=dict(title="shear", pretrain="../ssal_egait.py", changes={f"{_views}.crop": None}),
        strong_shear=dict(
            title="crop + shear of AimCLR's strength",
            pretrain="../ssal_egait.py",
            changes={f"{_views}.shear.amplitude": 0.5},
        ),
        **_added,
    ),
    protocols=dict(linear=dict(title="linear probe", type="LinearProbe"), knn=dict(title="kNN", type="KNN")),
    reference="ssal",
)

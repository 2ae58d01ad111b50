# What the streams joint, bone and motion are worth, alone, behind one another in one encoder, and as the mean of three
# encoders' scores. By inner validation: each fold validates once, with the fold before it left out of everything.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/streams_egait.py --jobs 4 \
#     --out docs/results/streams_egait
_three = ("joint", "bone", "motion")
_together = {
    "model.data_preprocessor.stream": _three,
    **{f"model.backbone.{branch}.in_channels": 9 for branch in ("graph", "image")},
}
study = dict(
    title="Streams of SSAL on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (2, 1), (3, 2), (4, 3), (0, 4)],
    seeds=[0, 1, 2],
    methods=dict(
        joint=dict(title="SSAL, joints", pretrain="../ssal_egait.py"),
        bone=dict(title="bones", pretrain="../ablations/bone.py"),
        motion=dict(title="motion", pretrain="../ablations/motion.py"),
        together=dict(title="one encoder of all three", pretrain="../ssal_egait.py", changes=_together),
        fused=dict(title="three encoders, scores fused", fuse=_three),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="joint",
    comparisons=[("fused/linear", "together/linear")],
)

# Study (a) on the synthetic walkers, which need no download: the machinery works, and says nothing about people.
# python tools/study.py configs/studies/baselines_synthgait.py --jobs 4 --out docs/results/baselines_synthgait
study = dict(
    title="SSAL against its baselines on synthetic walkers",
    data="synthetic walkers",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1],
    methods=dict(
        ssal=dict(title="SSAL", pretrain="../ssal_synthgait.py"),
        aimclr=dict(title="AimCLR", pretrain="../baselines/aimclr_cffn_synthgait.py"),
        skeletonclr=dict(title="SkeletonCLR", pretrain="../baselines/skeletonclr_cffn_synthgait.py"),
        untrained=dict(title="untrained", untrained="../ssal_synthgait.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="untrained",
    comparisons=[("ssal/linear", "aimclr/linear"), ("aimclr/linear", "skeletonclr/linear")],
)

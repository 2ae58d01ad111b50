# A study small enough to try the tools on: two methods on two folds of the synthetic walkers, one seed.
# python tools/study.py configs/studies/smoke.py --jobs 2 --out work_dirs/smoke
study = dict(
    title="SSAL against SkeletonCLR, a short trial",
    data="synthetic walkers",
    splits=[0, 1],
    seeds=[0],
    changes={"train_cfg.max_epochs": 10},
    methods=dict(
        ssal=dict(title="SSAL", pretrain="../ssal_synthgait.py"),
        skeletonclr=dict(
            title="SkeletonCLR",
            pretrain="../ssal_synthgait.py",
            changes={
                "model.data_preprocessor.views.strong": None,
                "model.loss_divergence": None,
                "model.drop": None,
            },
        ),
        untrained=dict(title="untrained encoder", untrained="../ssal_synthgait.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="untrained",
    comparisons=[("ssal/linear", "skeletonclr/linear")],
)

# What makes training faster, one by one, on the synthetic walkers: accuracy must not change.
# python tools/study.py configs/studies/optimisations.py --jobs 4 --out docs/results/optimisations
_ours = "../ablations/layers_ours.py"
study = dict(
    title="Layers and switches that make training faster",
    data="synthetic walkers",
    splits=[0],
    seeds=[0, 1, 2, 3, 4],
    changes={"train_cfg.max_epochs": 10},
    methods=dict(
        as_published=dict(title="layers of the public code", pretrain="../ablations/layers_as_published.py"),
        ours=dict(title="ours", pretrain=_ours),
        no_key_dropout=dict(title="no dropout of keys", pretrain=_ours, changes={"model.key_dropout": False}),
        bfloat16=dict(title="bfloat16", pretrain=_ours, changes={"optim_wrapper.type": "AutocastOptimWrapper"}),
        compiled=dict(title="torch.compile", pretrain=_ours, changes={"model.compile": dict()}),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
    ),
    reference="as_published",
)

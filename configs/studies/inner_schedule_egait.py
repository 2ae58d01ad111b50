# How to spend the walks that a run sees: more, smaller steps or fewer, larger ones. By inner validation: each fold
# validates once, with the fold before it left out of everything.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/inner_schedule_egait.py --jobs 4 \
#     --out docs/results/inner_schedule_egait
_batch, _rate = "train_dataloader.batch_size", "optim_wrapper.optimizer.lr"
_ssal = "../ssal_egait.py"
study = dict(
    title="Batch size and learning rate of SSAL on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (2, 1), (3, 2), (4, 3), (0, 4)],
    seeds=[0, 1, 2],
    methods=dict(
        ssal=dict(title="batches of 64", pretrain=_ssal),
        batch_32=dict(title="batches of 32, twice the steps", pretrain=_ssal, changes={_batch: 32}),
        batch_16=dict(title="batches of 16, four times the steps", pretrain=_ssal, changes={_batch: 16}),
        rate_3=dict(title="three times the learning rate", pretrain=_ssal, changes={_rate: 3e-3}),
        untrained=dict(title="untrained", untrained=_ssal),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="ssal",
)

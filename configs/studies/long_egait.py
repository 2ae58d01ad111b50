# SSAL trained four times as long, the strongest trend of the study sensitivity_egait, read on the test folds.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/long_egait.py --jobs 4 \
#     --out docs/results/long_egait
_long = {"train_cfg.max_epochs": 400}
study = dict(
    title="SSAL trained four times as long on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1, 2, 3, 4],
    methods=dict(
        ssal_long=dict(title="SSAL, 400 epochs", pretrain="../ssal_egait.py", changes=_long),
        ssal=dict(title="SSAL, 100 epochs", pretrain="../ssal_egait.py"),
        untrained=dict(title="untrained", untrained="../ssal_egait.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="untrained",
    comparisons=[
        ("ssal_long/linear", "ssal/linear"),
        ("ssal_long/knn", "ssal/knn"),
    ],
    ledger="../../docs/results/ledger.jsonl",
)

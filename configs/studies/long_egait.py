# Four times the epochs: the one value of the study sensitivity_egait to which SSAL points upwards by both probes. Then,
# on the test folds, the order of SSAL, AimCLR, SkeletonCLR and the untrained encoder at that budget.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/long_egait.py --jobs 4 \
#     --out docs/results/long_egait
_long = {"train_cfg.max_epochs": 400}
_mining = {"model.mining.begin": 200}  # half-way, as at 100 epochs
study = dict(
    title="SSAL and its baselines on E-Gait, four times the epochs",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1, 2, 3, 4],
    methods=dict(
        ssal_long=dict(title="SSAL, 400 epochs", pretrain="../ssal_egait.py", changes=_long),
        ssal=dict(title="SSAL, 100 epochs", pretrain="../ssal_egait.py"),
        untrained=dict(title="untrained", untrained="../ssal_egait.py"),
        aimclr_long=dict(
            title="AimCLR, 400 epochs",
            pretrain="../baselines/aimclr_cffn_egait.py",
            changes={**_long, **_mining},
        ),
        skeletonclr_long=dict(
            title="SkeletonCLR, 400 epochs", pretrain="../baselines/skeletonclr_cffn_egait.py", changes=_long
        ),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="untrained",
    comparisons=[
        ("ssal_long/linear", "aimclr_long/linear"),
        ("aimclr_long/linear", "skeletonclr_long/linear"),
        ("ssal_long/linear", "ssal/linear"),
    ],
    ledger="../../docs/results/ledger.jsonl",
)

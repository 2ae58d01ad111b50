# SSAL trained four times as long, the strongest trend of the study sensitivity_egait, read on the test folds.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/long_egait.py --jobs 4 \
#     --out docs/results/long_egait
_long = {"train_cfg.max_epochs": 400}
_frozen = ("linear", "knn", "linear_10")
study = dict(
    title="SSAL trained four times as long on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1, 2, 3, 4],
    methods=dict(
        ssal_long=dict(title="SSAL, 400 epochs", pretrain="../ssal_egait.py", changes=_long, protocols=_frozen),
        ssal=dict(title="SSAL, 100 epochs", pretrain="../ssal_egait.py", protocols=_frozen),
        ssal_plus=dict(title="SSAL+, 100 epochs", pretrain="../ssal_plus_egait.py", protocols=_frozen),
        untrained=dict(title="untrained", untrained="../ssal_egait.py"),
        handmade=dict(title="hand-made features", kinematics="../baselines/handmade_egait.py", protocols=_frozen),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
        finetune=dict(title="fine-tuned", type="FineTune", config="../downstream/finetune_egait.py"),
    ),
    reference="untrained",
    comparisons=[
        ("ssal_long/linear", "ssal/linear"),
        ("ssal_long/linear", "untrained/finetune"),
        ("ssal_plus/linear", "ssal_long/linear"),
        ("handmade/linear", "ssal_long/linear"),
    ],
    ledger="../../docs/results/ledger.jsonl",
)

# Do unlabelled walks of other data sets help E-Gait? The same preparation, the same number of steps; two seeds, for a
# run takes ten minutes of one thread.
# MMGAITEMO_EGAIT=/path/to/egait MMGAITEMO_PATHOGAIT=/path/to/pathogait MMGAITEMO_BANDAI=/path/to/bandai \
#     python tools/study.py configs/studies/more_walks_egait.py --jobs 4 --out docs/results/more_walks_egait
_roles = ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
_alone = {f"{role}.files.{name}": None for role in _roles for name in ("kinect", "mocap")}
study = dict(
    title="SSAL on E-Gait with walks of other data sets",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1],
    methods=dict(
        more=dict(title="E-Gait, pathological gaits and Bandai-Namco", pretrain="../ssal_egait_more.py"),
        alone=dict(
            title="E-Gait alone",
            pretrain="../ssal_egait_more.py",
            changes={**_alone, "train_cfg.max_epochs": 235},  # 940 steps too
        ),
        untrained=dict(title="untrained", untrained="../ssal_egait_more.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
    ),
    reference="alone",
    comparisons=[("more/linear", "untrained/linear")],
    ledger="../../docs/results/ledger.jsonl",
)

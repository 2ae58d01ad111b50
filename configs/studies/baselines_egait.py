# Study (a): SSAL against SkeletonCLR and AimCLR at equal encoder and budget, against untrained encoders, supervised
# training from scratch (fine-tuning of an untrained encoder) and hand-made features.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/baselines_egait.py --jobs 4 \
#     --out docs/results/baselines_egait
_probes = ("knn", "linear")
study = dict(
    title="SSAL against its baselines on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1, 2, 3, 4],
    methods=dict(
        ssal_plus=dict(title="SSAL+ (CFFN)", pretrain="../ssal_plus_egait.py"),
        ssal=dict(title="SSAL (CFFN)", pretrain="../ssal_egait.py"),
        aimclr=dict(title="AimCLR (CFFN)", pretrain="../baselines/aimclr_cffn_egait.py"),
        skeletonclr=dict(title="SkeletonCLR (CFFN)", pretrain="../baselines/skeletonclr_cffn_egait.py"),
        ssal_stgcn=dict(title="SSAL (ST-GCN)", pretrain="../ablations/graph_only.py"),
        aimclr_stgcn=dict(title="AimCLR (ST-GCN)", pretrain="../baselines/aimclr_stgcn_egait.py"),
        skeletonclr_stgcn=dict(title="SkeletonCLR (ST-GCN)", pretrain="../baselines/skeletonclr_stgcn_egait.py"),
        untrained=dict(title="untrained CFFN", untrained="../ssal_egait.py"),
        untrained_plus=dict(title="untrained CFFN of SSAL+", untrained="../ssal_plus_egait.py"),
        untrained_stgcn=dict(title="untrained ST-GCN", untrained="../ablations/graph_only.py"),
        handmade=dict(title="hand-made features", kinematics="../baselines/handmade_egait.py", protocols=_probes),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        finetune=dict(title="fine-tuned", type="FineTune", config="../downstream/finetune_egait.py"),
    ),
    reference="untrained",
    comparisons=[
        ("ssal/linear", "aimclr/linear"),
        ("aimclr/linear", "skeletonclr/linear"),
        ("ssal/linear", "ssal_stgcn/linear"),
        ("ssal_stgcn/linear", "aimclr_stgcn/linear"),
        ("ssal_stgcn/linear", "untrained_stgcn/linear"),
        ("ssal_plus/linear", "ssal/linear"),
        ("ssal_plus/linear", "untrained_plus/linear"),
        ("ssal_plus/linear", "untrained/finetune"),
        ("ssal_plus/linear", "untrained_plus/finetune"),
        ("ssal_plus/linear", "handmade/linear"),
        ("ssal/linear", "untrained/finetune"),
    ],
    ledger="../../docs/results/ledger.jsonl",
)

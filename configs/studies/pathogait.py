# The gait type of a person left out, with the labels of all other persons and of two of them.
# MMGAITEMO_PATHOGAIT=/path/to/pathogait python tools/study.py configs/studies/pathogait.py --jobs 4 \
#     --out docs/results/pathogait
study = dict(
    title="SSAL on pathological gaits, a person left out",
    data="pathological gaits (Kinect, 8 persons, 5,746 walks)",
    splits=[0, 1, 2, 3, 4, 5, 6, 7],
    seeds=[0, 1, 2],
    methods=dict(
        ssal_plus=dict(title="SSAL+", pretrain="../ssal_plus_pathogait.py"),
        ssal=dict(title="SSAL", pretrain="../ssal_pathogait.py"),
        aimclr=dict(title="AimCLR", pretrain="../baselines/aimclr_cffn_pathogait.py"),
        skeletonclr=dict(title="SkeletonCLR", pretrain="../baselines/skeletonclr_cffn_pathogait.py"),
        untrained=dict(title="untrained", untrained="../ssal_pathogait.py"),
        untrained_plus=dict(title="untrained encoder of SSAL+", untrained="../ssal_plus_pathogait.py"),
        untrained_plain=dict(
            title="untrained encoder of SSAL+, not whitened",
            untrained="../ssal_plus_pathogait.py",
            changes={"model.backbone.whitening": None, "default_hooks.whitening": None},
        ),
        handmade=dict(title="hand-made features", kinematics="../baselines/handmade_pathogait.py"),
        handmade_whitened=dict(
            title="hand-made features, whitened", kinematics="../baselines/handmade_whitened_pathogait.py"
        ),
    ),
    protocols=dict(
        linear_two=dict(title="linear probe, labels of two persons", type="LinearProbe", persons=2),
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
    ),
    reference="untrained",
    comparisons=[
        ("ssal_plus/linear_two", "handmade/linear_two"),
        ("ssal_plus/linear_two", "handmade_whitened/linear_two"),
        ("ssal_plus/linear_two", "untrained_plus/linear_two"),
        ("ssal_plus/linear_two", "untrained_plain/linear_two"),
        ("ssal_plus/linear_two", "ssal/linear_two"),
        ("ssal/linear_two", "aimclr/linear_two"),
        ("ssal/linear_two", "skeletonclr/linear_two"),
        ("aimclr/linear_two", "skeletonclr/linear_two"),
    ],
    ledger="../../docs/results/ledger.jsonl",
)

# Studies (c), (d), (e): what SSA, CFFN, L_d and the drop are each worth.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/ablations_egait.py --jobs 4 \
#     --out docs/results/ablations_egait
study = dict(
    title="SSAL without its parts on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1, 2, 3, 4],
    methods=dict(
        ssal=dict(title="SSAL", pretrain="../ssal_egait.py"),
        no_ssa=dict(title="neither jitter nor mask", pretrain="../ablations/no_ssa.py"),
        jitter=dict(title="jitter alone", pretrain="../ablations/no_mask.py"),
        mask=dict(title="mask alone", pretrain="../ablations/no_jitter.py"),
        graph=dict(title="graph branch alone", pretrain="../ablations/graph_only.py"),
        image=dict(title="image branch alone", pretrain="../ablations/image_only.py"),
        no_divergence=dict(title="L_Info in place of L_d", pretrain="../ablations/no_divergence.py"),
        no_drop=dict(title="L_d without drop", pretrain="../ablations/no_drop.py"),
        general=dict(title="no strong view (SkeletonCLR)", pretrain="../ablations/general_only.py"),
        untrained=dict(title="untrained", untrained="../ssal_egait.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
    ),
    reference="ssal",
    ledger="../../docs/results/ledger.jsonl",
)

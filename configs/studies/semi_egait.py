# Study (b): how many labels it takes. Nested parts of the labels, drawn by the seed.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/semi_egait.py --jobs 4 \
#     --out docs/results/semi_egait
_percent = (1, 5, 10, 20, 50)
_tune = dict(type="FineTune", config="../downstream/semi_egait.py")
_probe = dict(type="LinearProbe")
_linear = {f"linear_{p}": dict(title=f"linear probe, {p} %", label_fraction=p / 100, **_probe) for p in _percent}
_finetune = {f"finetune_{p}": dict(title=f"fine-tuned, {p} %", label_fraction=p / 100, **_tune) for p in _percent}
study = dict(
    title="Few labels on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[0, 1, 2, 3, 4],
    seeds=[0, 1, 2, 3, 4],
    methods=dict(
        ssal_plus=dict(title="SSAL+", pretrain="../ssal_plus_egait.py"),
        ssal=dict(title="SSAL", pretrain="../ssal_egait.py"),
        untrained=dict(title="untrained", untrained="../ssal_egait.py"),
        untrained_plus=dict(
            title="untrained encoder of SSAL+", untrained="../ssal_plus_egait.py", protocols=("linear", *_linear)
        ),
        handmade=dict(
            title="hand-made features", kinematics="../baselines/handmade_egait.py", protocols=("linear", *_linear)
        ),
    ),
    protocols=dict(linear=dict(title="linear probe", type="LinearProbe"), **_linear, **_finetune),
    reference="untrained",
    comparisons=[
        ("ssal_plus/linear_10", "untrained/finetune_10"),
        ("ssal_plus/linear_20", "untrained/finetune_20"),
        ("ssal_plus/finetune_10", "untrained/finetune_10"),
        ("ssal_plus/finetune_20", "untrained/finetune_20"),
        ("ssal/finetune_10", "untrained/finetune_10"),
        ("ssal_plus/linear_10", "untrained_plus/linear_10"),
        ("ssal_plus/linear_20", "untrained_plus/linear_20"),
    ],
    ledger="../../docs/results/ledger.jsonl",
)

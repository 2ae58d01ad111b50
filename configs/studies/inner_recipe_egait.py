# What each knob of SSAL+ is worth, by inner validation: each fold validates once, with the fold before it left out of
# everything, so that no test fold is read.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/inner_recipe_egait.py --jobs 4 \
#     --out docs/results/inner_recipe_egait
_backbone, _views = "model.backbone", "model.data_preprocessor.views"
_statistics = f"{_backbone}.statistics"
_plus = "../ssal_plus_egait.py"
_joints = {
    "model.data_preprocessor.stream": "joint",
    **{f"{_backbone}.{branch}.in_channels": 3 for branch in ("graph", "image", "statistics")},
}
_alone = {f"{_backbone}.graph": None, f"{_backbone}.image": None, "model.drop": None}
_knobs = {
    "no_statistics": ("no statistics branch", {_statistics: None}),
    "wide": ("graph and image fused to 128", {f"{_backbone}.out_channels": 128}),
    "sided": ("statistics of left and right apart", {f"{_statistics}.symmetric": False}),
    "no_acceleration": ("statistics without accelerations", {f"{_statistics}.differences": 1}),
    "layer": ("a layer behind the statistics", {f"{_statistics}.hidden": 256}),
    "joints": ("positions alone", _joints),
    "bones": ("bones with their lengths", {"model.data_preprocessor.stream": ("joint", "bone")}),
    "no_strong": ("no strong view", {f"{_views}.strong": None, "model.loss_divergence": None, "model.drop": None}),
    "wild_jitter": ("jitter U(-1, 1) as in SSAL", {f"{_views}.strong.ssa.jitter.law": "matrix"}),
    "crop": (
        "crop instead of window",
        {f"{_views}.general.window": None, f"{_views}.general.crop": dict(_delete_=True, type="TemporalCrop")},
    ),
    "no_mirror": ("no mirror", {f"{_views}.general.mirror": None}),
    "warm": ("temperature 0.2", {"model.temperature": 0.2}),
    "epochs_400": ("four times the epochs", {"train_cfg.max_epochs": 400}),
}
study = dict(
    title="SSAL+ knob by knob",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (2, 1), (3, 2), (4, 3), (0, 4)],
    seeds=[0, 1, 2],
    methods=dict(
        plus=dict(title="SSAL+", pretrain=_plus),
        **{name: dict(title=title, pretrain=_plus, changes=changes) for name, (title, changes) in _knobs.items()},
        ssal=dict(title="SSAL", pretrain="../ssal_egait.py"),
        untrained=dict(title="untrained", untrained=_plus),
        statistics=dict(title="the statistics alone, nothing learned", untrained=_plus, changes=_alone),
        untrained_ssal=dict(title="untrained encoder of SSAL", untrained="../ssal_egait.py"),
        handmade=dict(title="hand-made features", kinematics="../baselines/handmade_egait.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
        linear_10=dict(title="linear probe, 10 % of labels", type="LinearProbe", label_fraction=0.1),
    ),
    reference="plus",
    comparisons=[("epochs_400/linear", "untrained/linear"), ("epochs_400/linear_10", "untrained/linear_10")],
)

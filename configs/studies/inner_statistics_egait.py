# What the statistics branch learns from, by inner validation: each fold validates once, with the fold before it left
# out of everything. The branch alone, without graph and image: seconds for an encoder, so that knobs can be told apart.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/inner_statistics_egait.py --jobs 4 \
#     --out docs/results/inner_statistics_egait
_views = "model.data_preprocessor.views"
_knobs = {
    "no_strong": ("no strong view", {f"{_views}.strong": None, "model.loss_divergence": None}),
    "mask": ("mask instead of jitter", {f"{_views}.strong.ssa.jitter": None}),
    "jitter": ("jitter alone", {f"{_views}.strong.ssa.mask": None}),
    "wild_jitter": ("jitter U(-1, 1) as in SSAL", {f"{_views}.strong.ssa.jitter.law": "matrix"}),
    "crop": (
        "crop instead of window",
        {f"{_views}.general.window": None, f"{_views}.general.crop": dict(_delete_=True, type="TemporalCrop")},
    ),
    "no_mirror": ("no mirror", {f"{_views}.general.mirror": None}),
    "no_yaw": ("no yaw", {f"{_views}.general.yaw": None}),
    "shear_3": ("shear 0.3", {f"{_views}.general.shear.amplitude": 0.3}),
    "no_shear": ("no shear", {f"{_views}.general.shear": None}),
    "warm": ("temperature 0.2", {"model.temperature": 0.2}),
    "queue_128": ("K = 128", {"model.queue.size": 128}),
    "hidden_256": ("a quarter of the width", {"model.backbone.statistics.hidden": 256}),
    "epochs_400": ("four times the epochs", {"train_cfg.max_epochs": 400}),
}
_alone = {"model.backbone.graph": None, "model.backbone.image": None, "model.drop": None}
study = dict(
    title="The statistics branch alone: which views and settings help",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (2, 1), (3, 2), (4, 3), (0, 4)],
    seeds=[0, 1, 2],
    methods=dict(
        plus=dict(title="views of SSAL+", pretrain="../ssal_plus_egait.py", changes=_alone),
        **{
            name: dict(title=title, pretrain="../ssal_plus_egait.py", changes={**_alone, **changes})
            for name, (title, changes) in _knobs.items()
        },
        untrained=dict(title="untrained", untrained="../ssal_plus_egait.py", changes=_alone),
        handmade=dict(title="hand-made features", kinematics="../baselines/handmade_egait.py"),
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
    ),
    reference="plus",
)

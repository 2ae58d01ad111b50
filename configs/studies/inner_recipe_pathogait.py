# What each knob of SSAL+ on pathological gaits is worth, by inner validation: four of the persons validate, each with
# another one left out of everything.
# MMGAITEMO_PATHOGAIT=/path/to/pathogait python tools/study.py configs/studies/inner_recipe_pathogait.py --jobs 4 \
#     --out docs/results/inner_recipe_pathogait
_backbone, _views = "model.backbone", "model.data_preprocessor.views"
_whitening = f"{_backbone}.whitening"
_plus = "../ssal_plus_pathogait.py"
_plain = {_whitening: None, "default_hooks.whitening": None}
_alone = {f"{_backbone}.graph": None, f"{_backbone}.image": None, "model.drop": None}
_knobs = {
    "no_whitening": ("no whitening", _plain),
    "sensors": ("whitened over sensors alone", {f"{_whitening}.persons": 0.0}),
    "persons": ("whitened over persons alone", {f"{_whitening}.sensors": 0.0}),
    "no_harmonics": ("no harmonics", {f"{_backbone}.statistics.harmonics": 0}),
    "no_statistics": ("no statistics branch", {f"{_backbone}.statistics": None}),
    "no_strong": ("no strong view", {f"{_views}.strong": None, "model.loss_divergence": None, "model.drop": None}),
}
study = dict(
    title="SSAL+ on pathological gaits, knob by knob",
    data="pathological gaits (Kinect, 8 persons, 5,746 walks)",
    splits=[(1, 0), (3, 2), (5, 4), (7, 6)],
    seeds=[0, 1],
    methods=dict(
        plus=dict(title="SSAL+", pretrain=_plus),
        **{name: dict(title=title, pretrain=_plus, changes=changes) for name, (title, changes) in _knobs.items()},
        ssal=dict(title="SSAL", pretrain="../ssal_pathogait.py"),
        untrained=dict(title="untrained", untrained=_plus),
        untrained_plain=dict(title="untrained, no whitening", untrained=_plus, changes=_plain),
        statistics=dict(title="the statistics alone, whitened, nothing learned", untrained=_plus, changes=_alone),
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
    reference="plus",
)

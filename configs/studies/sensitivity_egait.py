# Study (g): how much SSAL depends on values that the paper does not give. By inner validation, because one may choose
# from it: each fold validates once, with the fold before it left out of everything.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/sensitivity_egait.py --jobs 4 \
#     --out docs/results/sensitivity_egait
_queue, _momentum, _epochs = "model.queue", "default_hooks.momentum", "train_cfg.max_epochs"
_graph, _image = "model.backbone.graph", "model.backbone.image"
_data = ("train_dataloader.dataset", "val_dataloader.dataset", "val_cfg.bank")
_changes = {
    "K = 128": {f"{_queue}.size": 128},
    "K = 2048": {f"{_queue}.size": 2048},
    "own keys are negatives too": {f"{_queue}.mask_self": False},
    "temperature 0.05": {"model.temperature": 0.05},
    "temperature 0.2": {"model.temperature": 0.2},
    "momentum 0.9 to 1": {f"{_momentum}.momentum": 0.9},
    "momentum 0.999 to 1": {f"{_momentum}.momentum": 0.999},
    "twice the rate: 48 frames": {
        f"{n}.pipeline.time.{key}": value for n in _data for key, value in (("length", 48), ("stride", 1))
    },
    "twice as long: 48 frames": {f"{n}.pipeline.time.length": 48 for n in _data},
    "half the epochs": {_epochs: 50},
    "twice the epochs": {_epochs: 200},
    "four times the epochs": {_epochs: 400},
    "narrower": {f"{_graph}.channels": (8, 8, 16, 16), f"{_image}.channels": (8, 16)},
    "wider": {f"{_graph}.channels": (16, 32, 64, 64), f"{_image}.stem": 16, f"{_image}.channels": (32, 64)},
}
_names = (
    *("queue_128", "queue_2048", "own_keys", "cold", "warm", "momentum_9", "momentum_999"),
    *("rate_30", "length_48", "epochs_50", "epochs_200", "epochs_400", "narrower", "wider"),
)
study = dict(
    title="Sensitivity of SSAL on E-Gait",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (2, 1), (3, 2), (4, 3), (0, 4)],
    seeds=[0, 1, 2],
    methods=dict(
        ssal=dict(title="SSAL", pretrain="../ssal_egait.py"),
        **{
            name: dict(title=title, pretrain="../ssal_egait.py", changes=changes)
            for name, (title, changes) in zip(_names, _changes.items(), strict=True)
        },
    ),
    protocols=dict(linear=dict(title="linear probe", type="LinearProbe"), knn=dict(title="kNN", type="KNN")),
    reference="ssal",
)

# Width, depth and kernel of the encoder, by inner validation: folds 1 and 3, with folds 0 and 2 left out of everything.
# MMGAITEMO_EGAIT=/path/to/egait python tools/study.py configs/studies/inner_sizes_egait.py --jobs 4 \
#     --out docs/results/inner_sizes_egait
_graph, _image = "model.backbone.graph", "model.backbone.image"
_sizes = dict(
    tiny={
        f"{_graph}.channels": (8, 16, 32),
        f"{_graph}.strides": (2, 2, 1),
        f"{_image}.channels": (8, 16),
    },
    kernel_5={f"{_graph}.kernel_size": 5},
    deep={
        f"{_graph}.channels": (16, 16, 16, 32, 32, 32),
        f"{_graph}.strides": (2, 1, 1, 2, 1, 1),
        f"{_image}.channels": (16, 16, 32),
        f"{_image}.strides": (2, 1, 1, 2),
    },
    medium={
        f"{_graph}.channels": (16, 32, 64, 64),
        f"{_image}.stem": 16,
        f"{_image}.channels": (32, 64),
    },
)
study = dict(
    title="Encoders of different size",
    data="E-Gait (own part, 342 of 2,177 gaits)",
    splits=[(1, 0), (3, 2)],
    seeds=[0, 1, 2],
    methods=dict(
        narrow=dict(title="the default", pretrain="../ssal_egait.py"),
        **{
            name: dict(title=name.replace("_", " "), pretrain="../ssal_egait.py", changes=changes)
            for name, changes in _sizes.items()
        },
    ),
    protocols=dict(
        linear=dict(title="linear probe", type="LinearProbe"),
        knn=dict(title="kNN", type="KNN"),
    ),
    reference="narrow",
)

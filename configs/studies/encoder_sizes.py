# Encoders of different width, depth, kernel and T, for tools/analysis/compare_variants.py.
_narrow = dict(
    graph=dict(channels=(16, 16, 32, 32), strides=(2, 1, 2, 1)),
    image=dict(stem=8, channels=(16, 32), strides=(2, 1, 2)),
)
_frames24 = dict(dataset=dict(pipeline=dict(time=dict(length=24))))
_frames96 = dict(dataset=dict(pipeline=dict(time=dict(length=96))))
variants = dict(
    tiny=dict(
        model=dict(
            backbone=dict(
                graph=dict(channels=(8, 16, 32), strides=(2, 2, 1)),
                image=dict(stem=8, channels=(8, 16), strides=(2, 1, 2)),
            )
        )
    ),
    narrow=dict(model=dict(backbone=_narrow)),
    narrow_kernel5=dict(
        model=dict(backbone=dict(graph=dict(kernel_size=5, **_narrow["graph"]), image=_narrow["image"]))
    ),
    narrow_deep=dict(
        model=dict(
            backbone=dict(
                graph=dict(channels=(16, 16, 16, 32, 32, 32), strides=(2, 1, 1, 2, 1, 1)),
                image=dict(stem=8, channels=(16, 16, 32), strides=(2, 1, 1, 2)),
            )
        )
    ),
    narrow_24_frames=dict(
        model=dict(backbone=_narrow),
        train_dataloader=_frames24,
        val_dataloader=_frames24,
        val_cfg=dict(bank=_frames24["dataset"]),
    ),
    narrow_96_frames=dict(
        model=dict(backbone=_narrow),
        train_dataloader=_frames96,
        val_dataloader=_frames96,
        val_cfg=dict(bank=_frames96["dataset"]),
    ),
    medium=dict(
        model=dict(
            backbone=dict(
                graph=dict(channels=(16, 32, 64, 64), strides=(2, 1, 2, 1)),
                image=dict(stem=16, channels=(32, 64), strides=(2, 1, 2)),
            )
        )
    ),
    quarter=dict(  # the graph branch of SkeletonCLR, CrosSCLR and AimCLR
        model=dict(
            backbone=dict(
                graph=dict(
                    channels=(16, 16, 16, 16, 32, 32, 32, 64, 64, 256),
                    strides=(1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
                    dropout=0.5,
                ),
                image=dict(stem=16, channels=(32, 64), strides=(2, 1, 2)),
            )
        )
    ),
)

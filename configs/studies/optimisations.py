# What makes training faster, one by one, for tools/analysis/compare_variants.py on configs/ssal_synthgait.py: accuracy
# must not change. The encoder has dropout here, since one of the changes is how its masks are drawn.
custom_imports = dict(imports=["mmgaitemo.benchmark.as_published"])
_encoder = dict(
    type="CFFN",
    graph=dict(
        type="STGCN",
        skeleton="egait16",
        channels=(16, 16, 32, 32),
        strides=(2, 1, 2, 1),
        dropout=0.5,
        readout=dict(deviation=True, parts=False),
    ),
    image=dict(
        type="AFFNet",
        skeleton="egait16",
        stem=8,
        channels=(16, 32),
        strides=(2, 1, 2),
        readout=dict(deviation=True, parts=False),
    ),
    out_channels=128,
)
_ours = dict(_delete_=True, **_encoder)
variants = dict(
    as_published=dict(
        custom_imports=custom_imports,
        model=dict(backbone=dict(_delete_=True, type="AsPublished", encoder=_encoder)),
        optim_wrapper=dict(optimizer=dict(fused=False)),
    ),
    ours=dict(model=dict(backbone=_ours)),
    no_key_dropout=dict(model=dict(backbone=_ours, key_dropout=False)),
    bfloat16=dict(model=dict(backbone=_ours), optim_wrapper=dict(type="AutocastOptimWrapper")),
    compiled=dict(model=dict(backbone=_ours, compile=dict())),
)

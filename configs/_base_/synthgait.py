# Synthetic walkers, made by the project itself: nothing to download.
fold = 0
dataset = dict(
    type="SyntheticGait",
    num_persons=60,
    takes=3,
    seed=0,
    pipeline=dict(
        order=("time", "root", "scale", "heading", "pack"),
        time=dict(type="TileCyclic", length=48),
        root=dict(type="CentreRoot"),
        scale=dict(type="BodyScale"),
        heading=dict(type="AlignHeading"),
        pack=dict(type="PackGait"),
    ),
)
bank = dict(split="train", **dataset)
train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    drop_last=True,
    dataset=dict(split="train", **dataset),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(split="test", **dataset),
)
# A narrow encoder for the quick start: model = dict(backbone=_base_.narrow).
narrow = dict(
    graph=dict(channels=(16, 16, 32, 32), strides=(2, 1, 2, 1)),
    image=dict(stem=8, channels=(16, 32), strides=(2, 1, 2)),
)

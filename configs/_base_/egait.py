# Emotion-Gait (E-Gait), native files. `fold` is the fold held out: --cfg-options fold=1.
fold = 0
dataset = dict(
    type="GaitDataset",
    data_root="{{$MMGAITEMO_EGAIT:data/egait}}",
    files=dict(own=dict(features="features.h5", labels="labels.h5")),
    fold_file="folds.csv",  # None: seeded folds, see GaitDataset
    skeleton="egait16",
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

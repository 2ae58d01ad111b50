# What the data sets share: how a walk becomes an input, and how batches are made.
fold = 0  # the fold held out: --cfg-options fold=1
unused_fold = None  # a further fold in neither split: kept for the final test while something is chosen on fold
pipeline = dict(
    order=("time", "root", "scale", "heading", "pack"),
    time=dict(type="TileCyclic", length=48),
    root=dict(type="CentreRoot"),
    scale=dict(type="BodyScale"),
    heading=dict(type="AlignHeading"),
    pack=dict(type="PackGait"),
)
train_dataloader = dict(
    batch_size=64,
    num_workers=0,  # a batch is one read: workers only cost
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="mmgaitemo.gait_collate"),
    drop_last=True,
)
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="mmgaitemo.gait_collate"),
)

# Emotion-Gait (E-Gait), native files.
_base_ = "loaders.py"
dataset = dict(
    type="GaitDataset",
    data_root="{{$MMGAITEMO_EGAIT:data/egait}}",
    files=dict(own=dict(features="features.h5", labels="labels.h5")),
    fold_file="folds.csv",  # None: seeded folds, see GaitDataset
    skeleton="egait16",
    # half the rate, 1.6 s: half the cost, and as good in inner validation
    pipeline=dict(_base_.pipeline, time=dict(type="TileCyclic", length=24, stride=2)),
)
bank = dict(split="train", **dataset)
train_dataloader = dict(dataset=dict(split="train", **dataset))
val_dataloader = dict(dataset=dict(split="test", **dataset))

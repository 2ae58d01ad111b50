# Walks from gait archives (docs/archive.md): recordings longer than a gait cycle, in any unit, with any axis up. A
# config that inherits this names files=dict(NAME=dict(archive=FILE)) and classes, for both loaders and the kNN bank.
_base_ = "loaders.py"
dataset = dict(
    type="GaitDataset",
    data_root=".",
    fold_file=None,  # folds are dealt by the archives' groups: no person is in two of them
    skeleton="egait16",
    how_to_get="convert the recordings with one of tools/dataset_converters (docs/archive.md), or correct the path",
    pipeline=dict(
        order=("rate", "up", "cycles", "time", "root", "scale", "heading", "pack"),
        rate=dict(type="ResampleRate", rate=30),
        up=dict(type="Upright"),
        cycles=dict(type="WholeCycles", count=1),
        **{name: step for name, step in _base_.pipeline.items() if name != "order"},
    ),
)
bank = dict(split="train", **dataset)
train_dataloader = dict(dataset=dict(split="train", **dataset))
val_dataloader = dict(dataset=dict(split="test", **dataset))

# Synthetic walkers, made by the project itself: nothing to download.
_base_ = "loaders.py"
dataset = dict(type="SyntheticGait", num_persons=60, takes=3, seed=0, pipeline=_base_.pipeline)
bank = dict(split="train", **dataset)
train_dataloader = dict(dataset=dict(split="train", **dataset))
val_dataloader = dict(dataset=dict(split="test", **dataset))

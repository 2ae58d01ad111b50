# Supervised baseline: the same encoder from scratch: python tools/train.py configs/downstream/supervised_synthgait.py
_base_ = ["../_base_/finetune.py", "../_base_/synthgait.py"]
model = dict(encoder=None)

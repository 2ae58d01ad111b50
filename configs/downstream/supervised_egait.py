# Supervised baseline: the same encoder from scratch: python tools/train.py configs/downstream/supervised_egait.py
_base_ = ["../_base_/finetune.py", "../_base_/egait.py"]
model = dict(encoder=None)

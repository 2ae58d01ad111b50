# Linear probe: python tools/train.py configs/downstream/linear_egait.py --encoder CKPT
_base_ = ["../_base_/linear.py", "../_base_/egait.py"]

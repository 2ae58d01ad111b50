# Linear probe: python tools/train.py configs/downstream/linear_synthgait.py --encoder CKPT
_base_ = ["../_base_/linear.py", "../_base_/synthgait.py"]

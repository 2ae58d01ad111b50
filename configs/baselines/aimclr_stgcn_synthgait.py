# AimCLR on synthetic walkers, ST-GCN alone as its encoder.
_base_ = "aimclr_cffn_synthgait.py"
model = dict(backbone=dict(image=None))

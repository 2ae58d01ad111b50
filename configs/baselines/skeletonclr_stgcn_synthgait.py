# SkeletonCLR on synthetic walkers, ST-GCN alone as its encoder.
_base_ = "skeletonclr_cffn_synthgait.py"
model = dict(backbone=dict(image=None))

# SkeletonCLR on E-Gait, ST-GCN alone as its encoder.
_base_ = "skeletonclr_cffn_egait.py"
model = dict(backbone=dict(image=None))

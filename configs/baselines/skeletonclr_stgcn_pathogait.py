# SkeletonCLR on the pathological gaits, ST-GCN alone as its encoder.
_base_ = "skeletonclr_cffn_pathogait.py"
model = dict(backbone=dict(image=None))

# SkeletonCLR on the pathological gaits: encoder, schedule and queue of configs/ssal_pathogait.py.
_base_ = ["../ssal_pathogait.py", "_base_/skeletonclr.py"]
model = _base_.method

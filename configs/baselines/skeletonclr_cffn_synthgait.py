# SkeletonCLR on synthetic walkers: encoder, schedule and queue of configs/ssal_synthgait.py.
_base_ = ["../ssal_synthgait.py", "_base_/skeletonclr.py"]
model = _base_.method

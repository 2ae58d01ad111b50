# SkeletonCLR on E-Gait: encoder, schedule and queue of configs/ssal_egait.py.
_base_ = ["../ssal_egait.py", "_base_/skeletonclr.py"]
model = _base_.method

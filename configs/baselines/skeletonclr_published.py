# SkeletonCLR with the settings of its public code.
_base_ = ["_base_/published.py", "_base_/skeletonclr.py"]
model = _base_.method

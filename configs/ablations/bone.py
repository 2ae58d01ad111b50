# Bone stream: each joint's vector from its parent.
_base_ = "../ssal_egait.py"
model = dict(data_preprocessor=dict(stream="bone"))

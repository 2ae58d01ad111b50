# CFFN without the image branch.
_base_ = "../ssal_egait.py"
model = dict(backbone=dict(image=None))

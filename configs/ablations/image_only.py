# CFFN without the graph branch; the drop moves to the image branch.
_base_ = "../ssal_egait.py"
model = dict(backbone=dict(graph=None), drop=dict(branches=("image",)))

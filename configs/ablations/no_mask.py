# SSA without the spatiotemporal mask: the jitter always fires.
_base_ = "../ssal_egait.py"
model = dict(data_preprocessor=dict(views=dict(strong=dict(ssa=dict(mask=None)))))

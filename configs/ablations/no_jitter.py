# SSA without the upper body jitter: the mask always fires.
_base_ = "../ssal_egait.py"
model = dict(data_preprocessor=dict(views=dict(strong=dict(ssa=dict(jitter=None)))))

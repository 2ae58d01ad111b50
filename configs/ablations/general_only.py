# No strong view: momentum contrast of general views, with CFFN (SkeletonCLR on CFFN).
_base_ = "../ssal_egait.py"
model = dict(data_preprocessor=dict(views=dict(strong=None)), loss_divergence=None, drop=None)

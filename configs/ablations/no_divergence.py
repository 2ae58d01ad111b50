# The strong view learned directly: L_Info instead of L_d.
_base_ = "../ssal_egait.py"
model = dict(loss_divergence=None, drop=None, strong_info=True)

# Without SimAM drop: L_d has one term.
_base_ = "../ssal_egait.py"
model = dict(drop=None)

# The synthetic walkers with dropout in the encoder, since one of the things that make training faster is how its masks
# are drawn: configs/studies/optimisations.py.
_base_ = "../ssal_synthgait.py"
model = dict(backbone=dict(graph=dict(dropout=0.5)))

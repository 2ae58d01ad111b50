# SSAL on synthetic walkers, ST-GCN alone as its encoder (on E-Gait: configs/ablations/graph_only.py).
_base_ = "../ssal_synthgait.py"
model = dict(backbone=dict(image=None))

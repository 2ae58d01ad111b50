# SSAL on the pathological gaits, ST-GCN alone as its encoder (on E-Gait: configs/ablations/graph_only.py).
_base_ = "../ssal_pathogait.py"
model = dict(backbone=dict(image=None))

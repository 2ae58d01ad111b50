# Hand-made kinematic features (mmgaitemo.kinematics) instead of an encoder: a method of a study, with linear and kNN
# probes.
_base_ = "../ssal_pathogait.py"
kinematics = dict(
    order=("rate", "up", "heading", "cycles", "kinematics", "time", "root", "scale", "pack"),
    kinematics=dict(type="Kinematics", heading=None),  # the heading is aligned before
)
train_dataloader = dict(dataset=dict(pipeline=kinematics))
val_dataloader = dict(dataset=dict(pipeline=kinematics))
val_cfg = dict(bank=dict(pipeline=kinematics))

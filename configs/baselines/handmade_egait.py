# Hand-made kinematic features (mmgaitemo.kinematics) instead of an encoder: a method of a study, with linear and kNN
# probes. The rate of E-Gait is not documented; about 30 Hz.
_base_ = "../ssal_egait.py"
kinematics = dict(
    order=("kinematics", "time", "root", "scale", "heading", "pack"), kinematics=dict(type="Kinematics", rate=30)
)
train_dataloader = dict(dataset=dict(pipeline=kinematics))
val_dataloader = dict(dataset=dict(pipeline=kinematics))
val_cfg = dict(bank=dict(pipeline=kinematics))

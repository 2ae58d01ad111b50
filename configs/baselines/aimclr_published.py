# AimCLR with the settings of its public code, mining from epoch 150 of 300 on; also where they look like mistakes: a
# flip that does not mirror, rotations in one sense, a blur that enlarges.
_base_ = "_base_/published_aimclr.py"
quirks = dict(mirror=dict(indices_only=True), rotate=dict(one_way=True), blur=dict(normalised=False))
model = dict(data_preprocessor=dict(views=dict(strong=quirks)))

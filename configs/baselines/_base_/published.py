# Encoder, queue, momentum, temperature, optimiser and schedule of SkeletonCLR's and AimCLR's public code, on E-Gait:
# made for 40,000 recordings of 60 actions, not for some hundred walks. The presets beside it are made for those.
_base_ = "../../ssal_egait.py"
model = dict(
    backbone=dict(
        graph=dict(
            channels=(16, 16, 16, 16, 32, 32, 32, 64, 64, 256),
            strides=(1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
            dropout=0.5,
            readout=dict(deviation=False),
        ),
        image=None,
        out_channels=None,  # their projection head reads the pooled map itself
    ),
    data_preprocessor=dict(views=dict(general=dict(shear=dict(amplitude=0.5)))),
    head=dict(hidden_channels=256, norm=False),
    queue=dict(size=32768, mask_self=False, random_start=True),
    temperature=0.07,
    copy_to_keys=False,
    init_cfg=[
        dict(type="Normal", layer=["Conv1d", "Conv2d", "Linear"], std=0.02),
        dict(type="Normal", layer=["BatchNorm1d", "BatchNorm2d"], mean=1, std=0.02),
    ],
)
default_hooks = dict(momentum=dict(momentum=0.999, end_momentum=None))
optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4))
train_cfg = dict(max_epochs=300, val_interval=50)
# A tenth from epoch 250 on. Unlike the milestones of MultiStepLR, it is stretched with train_cfg.max_epochs.
param_scheduler = [dict(type="ConstantLR", factor=0.1, by_epoch=True, begin=250)]
resized = dict(pipeline=dict(time=dict(_delete_=True, type="Resample", length=50)))
train_dataloader = dict(batch_size=128, dataset=resized)
val_dataloader = dict(dataset=resized)
val_cfg = dict(bank=resized)

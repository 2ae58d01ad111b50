# CFFN, the two-branch encoder. The paper gives no widths: these are the cheapest as good as the best in inner
# validation (docs/performance.md). Wider: configs/ssal_egait_medium.py, configs/ssal_egait_quarter.py.
_base_ = "runtime.py"
model = dict(
    backbone=dict(
        type="CFFN",
        graph=dict(
            type="STGCN",
            skeleton="egait16",
            channels=(16, 16, 32, 32),
            strides=(2, 1, 2, 1),
            readout=dict(deviation=True, parts=False),
        ),
        image=dict(
            type="AFFNet",
            skeleton="egait16",
            stem=8,
            channels=(16, 32),
            strides=(2, 1, 2),
            readout=dict(deviation=True, parts=False),
        ),
        out_channels=128,
    ),
    data_preprocessor=dict(type="GaitDataPreprocessor", skeleton="egait16", stream="joint"),
)

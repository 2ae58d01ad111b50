# CFFN, the two-branch encoder. The paper gives no widths: these make the full schedule of one fold of E-Gait (own
# part) a matter of minutes on four CPU cores (docs/method.md says how they were chosen).
_base_ = "runtime.py"
model = dict(
    backbone=dict(
        type="CFFN",
        graph=dict(
            type="STGCN",
            skeleton="egait16",
            channels=(16, 32, 64, 64),
            strides=(2, 1, 2, 1),
            readout=dict(deviation=True, parts=False),
        ),
        image=dict(
            type="AFFNet",
            skeleton="egait16",
            stem=16,
            channels=(32, 64),
            strides=(2, 1, 2),
            readout=dict(deviation=True, parts=False),
        ),
        out_channels=128,
    ),
    data_preprocessor=dict(type="GaitDataPreprocessor", skeleton="egait16", stream="joint"),
)

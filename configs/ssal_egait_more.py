# SSAL on E-Gait with unlabelled walks of other data sets beside its training folds; evaluated on E-Gait alone:
# python tools/train.py configs/ssal_egait_more.py
_base_ = "_base_/ssal_archive.py"
more = dict(
    data_root="",  # each path in full: the sources lie in different folders
    files=dict(
        egait=dict(
            features="{{$MMGAITEMO_EGAIT:data/egait}}/features.h5",
            labels="{{$MMGAITEMO_EGAIT:data/egait}}/labels.h5",
            rate=30,  # not documented; about 30 Hz
        ),
        kinect=dict(
            archive="{{$MMGAITEMO_PATHOGAIT:data/pathogait}}/pathogait.gait.h5",
            pretrain_only=True,
        ),
        mocap=dict(
            archive="{{$MMGAITEMO_BANDAI:data/bandai_namco}}/bandai_namco.gait.h5",
            pretrain_only=True,
        ),
    ),
    fold_file="{{$MMGAITEMO_EGAIT:data/egait}}/folds.csv",
    how_to_get="see docs/data.md for E-Gait and for the archives; set MMGAITEMO_EGAIT, MMGAITEMO_PATHOGAIT and "
    "MMGAITEMO_BANDAI to their folders, or set files.NAME=None to go without one",
    pipeline=dict(time=dict(length=24, stride=2)),  # as in _base_/egait.py
    classes=("happy", "angry", "sad", "neutral"),
)
train_dataloader = dict(dataset=more)
val_dataloader = dict(dataset=more)
val_cfg = dict(bank=more)
train_cfg = dict(max_epochs=10, val_interval=10)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=1, end=10, T_max=9, convert_to_iter_based=True),
]

# Pathological gaits (Kinect v2; 8 persons, 6 gait types, no emotions), converted by tools/dataset_converters/kinect.py.
_base_ = "archive.py"
pathogait = dict(
    data_root="{{$MMGAITEMO_PATHOGAIT:data/pathogait}}",
    files=dict(kinect=dict(archive="pathogait.gait.h5")),
    classes=("antalgic", "lurch", "normal", "steppage", "stiff_legged", "trendelenburg"),
    walk_pattern=r"(.+)_SkeletonData\d",  # six sensors saw each walk
    num_folds=8,  # as many as persons: leave one person out
    # Seen from the side, Kinect turns the hips by some ten degrees, one way or the other by camera: the direction of
    # travel is steadier. It is gone once cycles are cut out and repeated, so the heading comes first.
    pipeline=dict(
        order=("rate", "up", "heading", "cycles", "time", "root", "scale", "pack"),
        heading=dict(by="travel"),
        time=dict(length=24, stride=2),  # half the rate, 1.6 s: half the cost
    ),
    how_to_get="convert the walks with tools/dataset_converters/kinect.py, or set MMGAITEMO_PATHOGAIT to their folder",
)
bank = pathogait
train_dataloader = dict(dataset=pathogait)
val_dataloader = dict(dataset=pathogait)

# Emilya: 8 emotions, on request from its authors; converted by tools/dataset_converters/emilya.py, actors as groups.
_base_ = "archive.py"
emilya = dict(
    data_root="{{$MMGAITEMO_EMILYA:data/emilya}}",
    files=dict(emilya=dict(archive="emilya.gait.h5")),
    classes=("anger", "anxiety", "joy", "neutral", "panic_fear", "pride", "sadness", "shame"),
    how_to_get="ask the authors of Emilya for it and convert it: "
    "python tools/dataset_converters/emilya.py FOLDER data/emilya/emilya.gait.h5",
)
bank = emilya
train_dataloader = dict(dataset=emilya)
val_dataloader = dict(dataset=emilya)

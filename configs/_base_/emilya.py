# Emilya: 8 emotions, on request from its authors; stored like E-Gait as features.h5, labels.h5 and folds.csv (actors as
# groups), retargeted to the 16 joints.
_base_ = "egait.py"
emilya = dict(
    data_root="{{$MMGAITEMO_EMILYA:data/emilya}}",
    classes=("anger", "anxiety", "joy", "neutral", "panic_fear", "pride", "sadness", "shame"),
    how_to_get="ask the authors of Emilya for it and store it as docs/data.md says (there is no converter yet)",
    pipeline=dict(time=dict(type="Resample", length=48)),  # recordings are not cut to one gait cycle
)
bank = emilya
train_dataloader = dict(dataset=emilya)
val_dataloader = dict(dataset=emilya)

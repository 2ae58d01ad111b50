# Encoder and linear classifier; the protocols below differ in what is trained. The last epoch is the result: the
# held-out fold is looked at once, at the end, and nothing is chosen on it.
_base_ = "cffn.py"
model = dict(
    type="GaitClassifier",
    head=dict(type="LinearHead", num_classes=4),
    frozen=False,
    encoder="required",  # --encoder CKPT
)
val_cfg = dict()
val_evaluator = dict(type="GaitMetric")
default_hooks = dict(untrained=dict(type="UntrainedEncoderHook"), checkpoint=dict(interval=100, max_keep_ckpts=1))

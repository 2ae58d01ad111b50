# Walks whose knees bend backwards get their left and right joints exchanged first (docs/data.md: a third of E-Gait's
# own part). A probe of the encoder needs the same pipeline.
_base_ = "../ssal_egait.py"
order = ("sides", "time", "root", "scale", "heading", "pack")
sides = dict(pipeline=dict(order=order, sides=dict(type="ExchangeSides")))
train_dataloader = dict(dataset=sides)
val_dataloader = dict(dataset=sides)
val_cfg = dict(bank=sides)

# Motion stream: differences of successive frames.
_base_ = "../ssal_egait.py"
model = dict(data_preprocessor=dict(stream="motion"))

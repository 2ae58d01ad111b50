# The strong view is a third general view: L_d and the drop without SSA.
_base_ = "../ssal_egait.py"
model = dict(data_preprocessor=dict(views=dict(strong=dict(_delete_=True, order=()))))

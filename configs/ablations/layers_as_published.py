# The same with layers written as the public code has them: configs/studies/optimisations.py.
_base_ = "layers_ours.py"
custom_imports = dict(imports=["mmgaitemo.benchmark.as_published"])
model = dict(backbone=dict(_delete_=True, type="AsPublished", encoder=_base_.model.backbone))
optim_wrapper = dict(optimizer=dict(fused=False))

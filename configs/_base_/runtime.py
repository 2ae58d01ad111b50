# What every run has. Hooks stand in a dict, so that a child config can change or remove one of them by its name.
default_scope = "mmgaitemo"
randomness = dict(seed=0)
default_hooks = dict(
    seed=dict(type="SeedHook"),
    runtime_info=dict(type="LossHook"),  # MMEngine's RuntimeInfoHook waits for the device in every iteration
    labels=dict(type="LabelledHook"),
    safe_checkpoint=dict(type="SafeCheckpointHook"),
    logger=dict(type="LoggerHook", interval=5),
    checkpoint=dict(type="CheckpointHook", interval=20, max_keep_ckpts=2),
    buffers=dict(type="RankZeroBuffersHook"),
    report=dict(type="RunReportHook"),
)
visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")])
log_processor = dict(window_size=10)
env_cfg = dict(dist_cfg=dict(backend="nccl"))  # without a GPU: gloo, see mmgaitemo/compat.py
load_from = None
resume = False
